// Reads HTML files and prints what mail programs do not support, as JSON: {file: [[client, feature], …]}.
import { readFileSync } from 'node:fs';
import { caniemail } from 'caniemail';

const clients = [
  'gmail.desktop-webmail', 'gmail.ios', 'gmail.android', 'gmail.mobile-webmail', 'outlook.windows',
  'outlook.windows-mail', 'outlook.macos', 'outlook.ios', 'outlook.android', 'apple-mail.macos', 'apple-mail.ios',
  'yahoo.desktop-webmail', 'yahoo.ios', 'yahoo.android', 'samsung-email.android', 'thunderbird.macos',
];
const NOT_KNOWN = /^Feature "(.+)" not found/;

function issuesOf(client, html) {
  for (;;) {
    try {
      const { issues } = caniemail({ clients: [client], html });
      return (issues.errors.get(client) ?? []).map((issue) => [client, issue.title]);
    } catch (error) {
      // Nobody tried this feature on this client: judge the rest.
      const property = NOT_KNOWN.exec(error.message)?.[1];
      const without = property && html.replace(new RegExp(`(?<![-\\w])${property}\\s*:[^;"}]*;?`, 'g'), '');
      if (!without || without === html) throw error;
      html = without;
    }
  }
}

const found = {};
for (const file of process.argv.slice(2)) {
  const html = readFileSync(file, 'utf8');
  found[file] = clients.flatMap((client) => issuesOf(client, html));
}
console.log(JSON.stringify(found));
