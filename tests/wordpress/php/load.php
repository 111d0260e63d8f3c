<?php
// Load a WXR export as WordPress's importer does, under the export's own post ids: php load.php FILE
// Attachments are records alone: no file is fetched.
require __DIR__ . '/config.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

const WP = 'https://wordpress.org/export/1.2/';

function text(SimpleXMLElement $node, string $name, string $namespace = WP): string {
    return trim((string) $node->children($namespace)->$name);
}

function authors(SimpleXMLElement $channel): array {
    $ids = [];
    foreach ($channel->children(WP)->author as $author) {
        $name = text($author, 'author_display_name');
        $ids[text($author, 'author_login')] = wp_insert_user([
            'user_login' => text($author, 'author_login'),
            'user_email' => text($author, 'author_email'),
            'user_pass' => wp_generate_password(),
            'display_name' => $name,
            'description' => "$name tests themes & writes.",
            'role' => 'author',
        ]);
    }
    return $ids;
}

/** Return the ids of a taxonomy's terms by slug; parents are set last, as they may come after their children. */
function terms(SimpleXMLElement $channel, string $element, string $prefix, string $name, string $taxonomy): array {
    $ids = $parents = [];
    foreach ($channel->children(WP)->$element as $term) {
        $slug = text($term, "{$prefix}_" . ($prefix === 'tag' ? 'slug' : 'nicename'));
        $parents[$slug] = text($term, "{$prefix}_parent");
        $made = get_term_by('slug', $slug, $taxonomy, ARRAY_A)
            ?: wp_insert_term(wp_slash(text($term, $name)), $taxonomy, ['slug' => $slug, 'parent' => $ids[$parents[$slug]] ?? 0]);
        $ids[$slug] = $made['term_id'];
    }
    foreach (array_filter($parents) as $slug => $parent) {
        wp_update_term($ids[$slug], $taxonomy, ['parent' => $ids[$parent]]);
    }
    return $ids;
}

function post(SimpleXMLElement $item, array $authors): array {
    return [
        'import_id' => (int) text($item, 'post_id'),
        'post_type' => text($item, 'post_type'),
        'post_title' => (string) $item->title,
        'post_content' => text($item, 'encoded', 'http://purl.org/rss/1.0/modules/content/'),
        'post_excerpt' => text($item, 'encoded', 'https://wordpress.org/export/1.2/excerpt/'),
        'post_author' => $authors[text($item, 'creator', 'http://purl.org/dc/elements/1.1/')] ?? reset($authors),
        'post_date' => text($item, 'post_date'),
        'post_date_gmt' => text($item, 'post_date_gmt'),
        'post_status' => text($item, 'status'),
        'post_name' => text($item, 'post_name'),
        'post_password' => text($item, 'post_password'),
        'comment_status' => text($item, 'comment_status'),
        'guid' => text($item, 'attachment_url'),
    ];
}

/** A term that the head of the export does not name is made here. */
function file_under_terms(int $id, SimpleXMLElement $item, array &$known): void {
    $chosen = ['category' => [], 'post_tag' => []];
    foreach ($item->category as $term) {
        [$taxonomy, $slug] = [(string) $term['domain'], (string) $term['nicename']];
        if (isset($chosen[$taxonomy])) {
            $known[$taxonomy][$slug] ??= wp_insert_term((string) $term, $taxonomy, ['slug' => $slug])['term_id'];
            $chosen[$taxonomy][] = $known[$taxonomy][$slug];
        }
    }
    foreach ($chosen as $taxonomy => $ids) {
        wp_set_object_terms($id, $ids, $taxonomy);
    }
}

kses_remove_filters();
$channel = simplexml_load_file($argv[1])->channel;
$authors = authors($channel);
$known = [
    'category' => terms($channel, 'category', 'category', 'cat_name', 'category'),
    'post_tag' => terms($channel, 'tag', 'tag', 'tag_name', 'post_tag'),
];
foreach ($channel->item as $item) {
    $type = text($item, 'post_type');
    if (!in_array($type, ['post', 'attachment'], true)) {
        continue;
    }
    $id = wp_insert_post(wp_slash(post($item, $authors)), true);
    if (is_wp_error($id)) {
        throw new Exception("$item->title: " . $id->get_error_message());
    }
    if ($type === 'attachment') {
        update_post_meta($id, '_wp_attached_file', basename(text($item, 'attachment_url')));
    } else {
        file_under_terms($id, $item, $known);
    }
    foreach ($item->children(WP)->postmeta as $meta) {
        if (in_array(text($meta, 'meta_key'), ['_thumbnail_id', '_wp_attachment_image_alt'], true)) {
            update_post_meta($id, text($meta, 'meta_key'), text($meta, 'meta_value'));
        }
    }
    if (text($item, 'is_sticky') === '1') {
        stick_post($id);
    }
}
