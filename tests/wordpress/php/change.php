<?php
// What happens in a newsroom: php change.php ACTION ARGUMENT…; the ids of the posts concerned are printed.
require __DIR__ . '/config.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
kses_remove_filters();

function post(string $title, array $more = []): int {
    return wp_insert_post(['post_title' => $title, 'post_content' => "<p>$title.</p>", 'post_status' => 'publish'] + $more);
}

$actions = [
    'edit' => fn ($id, $title) => wp_update_post(['ID' => $id, 'post_title' => $title]),
    'draft' => fn ($id) => wp_update_post(['ID' => $id, 'post_status' => 'draft']),
    'publish' => fn ($id) => wp_update_post(['ID' => $id, 'post_status' => 'publish']),
    'add' => fn ($title) => post($title),
    'delete' => fn ($id) => wp_delete_post($id, true)->ID,
    // As wp-cron does when the time has come; the post was written long before.
    'appear' => function ($title) use ($wpdb) {
        $id = post($title, ['post_status' => 'future', 'post_date' => date('Y-m-d H:i:s', time() + 86400)]);
        $times = ['post_date' => current_time('mysql'), 'post_date_gmt' => current_time('mysql', true)];
        $long_ago = array_fill_keys(['post_modified', 'post_modified_gmt'], '2012-01-01 00:00:00');
        $wpdb->update($wpdb->posts, $times + $long_ago, ['ID' => $id]);
        clean_post_cache($id);
        wp_publish_post($id);
        return $id;
    },
    'stroke' => function ($count) {
        $second = ['post_date' => current_time('mysql')];
        return implode(' ', array_map(fn ($number) => post("One of many, $number", $second), range(1, $count)));
    },
    'clear' => fn (...$ids) => implode(' ', array_map(fn ($id) => wp_delete_post($id, true)->ID, $ids)),
    'permalinks' => function ($structure = '') {
        global $wp_rewrite;
        $wp_rewrite->set_permalink_structure($structure);
        flush_rewrite_rules(false);
    },
];
echo $actions[$argv[1]](...array_slice($argv, 2));
