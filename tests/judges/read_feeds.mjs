// Reads feed files with feedsmith and, where they are XML, rss-parser; prints {file: {reader: [entry, …]}} as JSON.
import { readFileSync } from 'node:fs';
import { parseFeed, parseOpml } from 'feedsmith';
import RssParser from 'rss-parser';

const instant = (value) => (value ? new Date(value).toISOString() : null);
const html = (item) => item.content?.encoded ?? item.content?.value ?? item.content ?? item.content_html ?? null;

const ENTRY = {
  rss: (item) => ({
    id: item.guid?.value ?? item.guid,
    title: item.title,
    link: item.link,
    published: instant(item.pubDate),
    updated: instant(item.dcterms?.modified?.[0] ?? item.dcterms?.modified),
    authors: item.dc?.creators ?? [],
    content: html(item),
    images: (item.media?.contents ?? []).map((content) => content.url),
  }),
  atom: (entry) => ({
    id: entry.id,
    title: entry.title?.value ?? entry.title,
    link: entry.links?.find((link) => (link.rel ?? 'alternate') === 'alternate')?.href,
    published: instant(entry.published),
    updated: instant(entry.updated),
    authors: (entry.authors ?? []).map((author) => author.name),
    content: html(entry),
    images: (entry.media?.contents ?? []).map((content) => content.url),
  }),
  json: (item) => ({
    id: item.id,
    title: item.title,
    link: item.url,
    published: instant(item.date_published),
    updated: instant(item.date_modified),
    authors: (item.authors ?? []).map((author) => author.name),
    content: html(item),
    images: item.image ? [item.image] : [],
  }),
};

function feedsmith(text) {
  const { format, feed } = parseFeed(text);
  return (feed.items ?? feed.entries ?? []).map(ENTRY[format]);
}

const parser = new RssParser({
  customFields: { item: [['dc:creator', 'creators', { keepArray: true }], ['dcterms:modified', 'modified']] },
});

async function rssParser(text) {
  const feed = await parser.parseString(text);
  return feed.items.map((item) => ({
    id: item.guid ?? item.id,
    title: item.title,
    link: item.link,
    published: item.isoDate ? instant(item.isoDate) : null,
    content: item['content:encoded'] ?? item.content ?? null,
  }));
}

const found = {};
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.opml')) {
    const outlines = (list) => list.flatMap((one) => [one.xmlUrl, ...outlines(one.outlines ?? [])]);
    found[file] = { feedsmith: outlines(parseOpml(text).body.outlines).filter(Boolean) };
  } else {
    found[file] = { feedsmith: feedsmith(text) };
    if (file.endsWith('.xml')) found[file].rssParser = await rssParser(text);
  }
}
console.log(JSON.stringify(found));
