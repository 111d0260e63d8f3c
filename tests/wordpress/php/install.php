<?php
// Create the database and install WordPress in it: php install.php PERMALINKS
define('WP_INSTALLING', true);

$host = getenv('WORDPRESS_DATABASE_HOST');
[$name, $socket] = str_contains($host, '/') ? explode(':', $host, 2) : [$host, null];
[$name, $port] = $socket ? [$name, null] : explode(':', "$name:3306");
$server = new mysqli($name, 'root', '', null, $port, $socket);
$server->query('CREATE DATABASE ' . getenv('WORDPRESS_DATABASE'));

function wp_new_blog_notification() {} // it is a mail to the new owner

require __DIR__ . '/config.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Theme Unit Test Data', 'keeper', 'keeper@journal.example', true, '', wp_generate_password());
update_option('timezone_string', 'America/Los_Angeles'); // the zone that the export was written in
$wp_rewrite->set_permalink_structure($argv[1]);
flush_rewrite_rules(false);
wp_delete_post(1, true); // "Hello world!"
