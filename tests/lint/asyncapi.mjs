// Parses AsyncAPI documents and prints every finding: node asyncapi.mjs FILE...
import { createRequire } from 'node:module';

const { Parser, fromFile } = createRequire(import.meta.url)('@asyncapi/parser');
const severities = ['error', 'warning', 'information', 'hint'];
let bad = 0;

for (const file of process.argv.slice(2)) {
    const { document, diagnostics } = await fromFile(new Parser(), file).parse();
    for (const d of diagnostics) {
        const line = d.range.start.line + 1;
        console.log(`${file}:${line}: ${severities[d.severity]}: ${d.message} (${d.code}, /${d.path.join('/')})`);
        if (d.severity === 0)
            bad++;
    }
    if (document === undefined && bad === 0) {
        console.log(`${file}: no document came out of it`);
        bad++;
    }
}
process.exit(bad === 0 ? 0 : 1);
