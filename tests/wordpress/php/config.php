<?php
// The configuration of the site under test; everything that differs between runs comes from the environment.
define('DB_NAME', getenv('WORDPRESS_DATABASE'));
define('DB_HOST', getenv('WORDPRESS_DATABASE_HOST'));
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('WP_HOME', getenv('WORDPRESS_URL'));
define('WP_SITEURL', getenv('WORDPRESS_URL'));
define('WP_CONTENT_DIR', getenv('WORDPRESS_CONTENT'));
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true); // cron calls the site itself, and PHP's own server answers one request at a time
$table_prefix = 'wp_';
define('ABSPATH', '/usr/share/wordpress/');
require_once ABSPATH . 'wp-settings.php';
