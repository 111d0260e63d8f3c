<?php
// Every request, as a web server with WordPress's rewrite rule passes it on.
define('WP_USE_THEMES', true);
require __DIR__ . '/config.php';
wp();
require ABSPATH . WPINC . '/template-loader.php';
