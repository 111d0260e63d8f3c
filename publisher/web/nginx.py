"""A configuration of nginx that serves the built site as our own server does.

What it leaves out: the Link field, which only the feed's own bytes know, the content hash in ETag, and 406.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from publisher.errors import PublisherError
from publisher.model.moves import Moves
from publisher.model.newsletter import Publication, Syndication
from publisher.web import policy

ACTING = ("unsubscribe", "preferences", "copy", "health")  # the first part of what is no file of the site

_SERVER = Template("""\
# nginx for $name: the files of $root, as Publisher built them.
# Put it where your nginx reads servers from, on Debian /etc/nginx/sites-enabled/, and add your certificate.
# Print it again when [syndication] or [site] change: it knows the feeds that moved and closed.
# `publisher serve` or `publisher run` has to run too, on $upstream, for readers who leave or choose.
# Left to the feeds' own bytes is the Link field: which hub works today is not for this file to know.

# A browser shows a feed with its stylesheet only as plain XML.
map $$http_accept $$publisher_browser {
    default 0;
    ~*text/html 1;
}
map $$uri $$publisher_kind {
    default picture;
    "~^/feeds/(?:.+/)?(?:$feed_names)$$" feed;
    "~^/feeds/.+\\.css$$" feedstyle;
    "~*(?:/|\\.html)$$" page;
    "~*\\.(?:$compressed)$$" text;
    "~*\\.js$$" script;
}
map "$$status:$$publisher_browser:$$uri" $$publisher_type {
    default "";
$feed_types}
map "$$status:$$publisher_kind" $$publisher_cache {
    default "";
    "~^(?:200|304):feed$$" "$feed_cache";
    "~^(?:200|304):page$$" "$page";
    "~^(?:200|304):(?:feedstyle|text|script)$$" "$style";
    "~^(?:200|304):picture$$" "$picture";
    "~^404:" "$missing";
    "~^410:" "$gone";
    "~^301:" "$moved_cache";
    "~^429:" "no-store";
}
map "$$status:$$publisher_kind" $$publisher_vary {
    default "";
    "~^(?:200|304):feed$$" "Accept, Accept-Encoding";
    "~^(?:200|304):(?:feedstyle|page|text)$$" "Accept-Encoding";
}
map "$$status:$$publisher_kind" $$publisher_open {
    default "";
    "~^(?:200|204|304):feed(?:style)?$$" "*";
    "~^(?:301|404|410|429):" "*";
}
map $$publisher_open $$publisher_exposed {
    default "";
    "*" "$exposed";
}
map "$$status:$$publisher_open" $$publisher_methods {
    default "";
    "204:*" "GET, HEAD, OPTIONS";
}
map "$$status:$$publisher_open" $$publisher_fields {
    default "";
    "204:*" "*";
}
map "$$status:$$publisher_open" $$publisher_remembered {
    default "";
    "204:*" "$day";
}
map $$status $$publisher_allow {
    default "";
    204 "GET, HEAD, OPTIONS";
    405 "GET, HEAD, OPTIONS";
}
map $$status $$publisher_again {
    default "";
    429 "$again";
}
map "$$request_method:$$uri" $$publisher_method {
    default 405;
    "~:/(?:$acting)(?:/|$$)" 200;
    "~^(?:GET|HEAD):" 200;
    "~^OPTIONS:" 204;
}
# Nobody is kept from leaving: who asks for those pages is not counted.
map $$uri $$publisher_counted {
    default $$binary_remote_addr;
    "~^/(?:$acting)(?:/|$$)" "";
}
$limit_zone
server {
    listen 80;
    listen [::]:80;
    server_name $host;

    root "$root";
    index index.html;
    absolute_redirect off;
    server_tokens off;
    if_modified_since before;
    max_ranges 0;
    sendfile on;
    tcp_nopush on;
    gzip off;
    gzip_static on;
    gzip_proxied any;
    gzip_vary off;
    # brotli_static on;  # needs Debian's libnginx-mod-http-brotli-static
    # zstd_static on;    # needs zstd-nginx-module, which Debian 12 does not have
$limit
    types {
$types    }
    default_type $unknown;

    add_header Cache-Control $$publisher_cache always;
    add_header Vary $$publisher_vary always;
    add_header Content-Type $$publisher_type always;
    add_header Access-Control-Allow-Origin $$publisher_open always;
    add_header Access-Control-Expose-Headers $$publisher_exposed always;
    add_header Access-Control-Allow-Methods $$publisher_methods always;
    add_header Access-Control-Allow-Headers $$publisher_fields always;
    add_header Access-Control-Max-Age $$publisher_remembered always;
    add_header Allow $$publisher_allow always;
    add_header Retry-After $$publisher_again always;
    add_header X-Content-Type-Options nosniff always;

    if ($$publisher_method = 405) {
        return 405;
    }
    if ($$publisher_method = 204) {
        return 204;
    }

    # Half-written files and lists of ours are nobody's business; RFC 8615 is everybody's.
    location ~ /\\.(?!well-known/) {
        return 404;
    }
    location ~ ^/(?:$acting)(?:/|$$) {
        proxy_pass http://$upstream;
        proxy_set_header Host $$host;
        proxy_set_header X-Forwarded-For $$remote_addr;
        add_header Allow "";  # instead of all the fields above: these pages say for themselves
    }
$moves    # Their type is $$publisher_type.
    location ~ ^/feeds/(?:.+/)?(?:$feed_names)$$ {
        types { }
        default_type "";
    }
    location / {
        try_files $$uri $$uri/ =404;
    }
}
""")

_LIMIT_ZONE = Template("""\
limit_req_zone $$publisher_counted zone=publisher:10m rate=${per_minute}r/m;
""")
_LIMIT = Template("""\
    limit_req zone=publisher burst=$per_minute nodelay;
    limit_req_status 429;
""")


def configuration(
    publication: Publication, syndication: Syndication, site: Path, upstream: str, requests_per_minute: int
) -> str:
    """The text of a file for nginx. `site` is an absolute path, `upstream` the host and port of our own server."""
    if "$" in str(site) or not str(site).isprintable():
        raise PublisherError(f"nginx cannot serve {str(site)!r}: it takes $ for a variable. Set another [site] path.")
    most = {"per_minute": requests_per_minute}
    return _SERVER.substitute(
        name=" ".join(publication.name.split()),
        host=publication.host,
        root=_escaped(str(site)),
        feed_types="".join(_feed_types()),
        feed_names="|".join(policy.FEEDS),
        feed_cache=policy.feed_cache(syndication.max_age),
        page=policy.PAGE,
        style=policy.STYLE,
        picture=policy.PICTURE,
        missing=policy.MISSING,
        gone=policy.GONE,
        moved_cache=policy.MOVED,
        compressed="|".join(suffix[1:] for suffix in policy.COMPRESSED),
        types="".join(_types(policy.MEDIA)),
        unknown=policy.UNKNOWN,
        exposed=policy.EXPOSED,
        day=policy.DAY,
        again=math.ceil(60 / (requests_per_minute or 60)),
        acting="|".join(ACTING),
        upstream=upstream,
        limit_zone=_LIMIT_ZONE.substitute(most) if requests_per_minute else "",
        limit=_LIMIT.substitute(most) if requests_per_minute else "",
        moves="".join(_moves(syndication, urlsplit(publication.url).path)),
    )


def _feed_types() -> Iterator[str]:
    for name, kind in policy.FEEDS.items():
        shown = kind if name.endswith("json") else policy.FOR_BROWSERS
        for browser, answer in enumerate((kind, shown)):
            yield f'    "~^200:{browser}:/feeds/(?:.+/)?(?:{name})$" "{answer}";\n'


def _types(media: Mapping[str, str]) -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    for suffix, kind in media.items():
        by_kind.setdefault(kind, []).append(suffix[1:])
    for kind, suffixes in by_kind.items():
        yield f'        "{kind}" {" ".join(suffixes)};\n'


def _moves(syndication: Syndication, base: str) -> Iterator[str]:
    """The longest path first, since nginx takes the first expression that fits."""
    moves = Moves(syndication.moved, syndication.closed)
    for path in sorted({*syndication.moved, *syndication.closed}, key=lambda one: (-len(one), one)):
        place = moves.place(path)
        answer = "return 410" if place is None else f'return 301 "{_escaped(quote(f"{base}/feeds/{place}"))}$1"'
        yield f'    location ~ "^/feeds/{re.escape(path)}(/.*)?$" {{\n        {answer};\n    }}\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
