<?php
// Remove the database.
require __DIR__ . '/config.php';
$wpdb->query('DROP DATABASE ' . DB_NAME);
