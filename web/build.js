#!/usr/bin/env node
/**
 * Builds the page with a model: `node build.js MODEL_DIR [--out DIR] [--example IMAGE] [--without-webgpu]`.
 *
 * Writes `DIR/segment.html`, which has everything in itself, and `DIR/site/`, the same as files for a web host.
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

import { UserError } from './src/errors.js';
import { modelOf } from './src/metadata.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCE = join(HERE, 'src');
const RUNTIME = join(HERE, 'node_modules/onnxruntime-web/dist');
/** Files of ONNX Runtime by their names beside the page: WebAssembly alone is faster without WebGPU in it. */
const RUNTIMES = { runtime: 'ort-wasm-simd-threaded', 'runtime-webgpu': 'ort-wasm-simd-threaded.asyncify' };

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: join(HERE, 'dist') },
      example: { type: 'string' },
      'without-webgpu': { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) throw new UserError('Give one directory that tools/export.py --to onnx has written.');
  const files = { ...modelFiles(positionals[0]), ...runtimeFiles(!values['without-webgpu']) };
  if (values.example) files['example.jpg'] = values.example;
  const scripts = { main: await bundle('main.js', 'esm'), 'worker.js': await bundle('worker.js', 'iife') };
  rmSync(values.out, { recursive: true, force: true });
  mkdirSync(join(values.out, 'site'), { recursive: true });
  writeSinglePage(join(values.out, 'segment.html'), scripts, files);
  writeSite(join(values.out, 'site'), scripts, files);
}

/** Paths of the model's files, by their names beside the page. */
function modelFiles(folder) {
  const metadataFile = join(folder, 'metadata.json');
  if (!existsSync(metadataFile)) {
    throw new UserError(`${metadataFile} does not exist: give a directory that tools/export.py --to onnx has written.`);
  }
  const metadata = JSON.parse(readFileSync(metadataFile, 'utf8'));
  modelOf(metadata);
  return {
    'metadata.json': metadataFile,
    'model.onnx': join(folder, metadata.file),
  };
}

function runtimeFiles(withWebGPU) {
  const files = {};
  for (const [name, file] of Object.entries(RUNTIMES)) {
    if (name !== 'runtime' && !withWebGPU) continue;
    files[`${name}.wasm`] = join(RUNTIME, `${file}.wasm`);
    files[`${name}.js`] = join(RUNTIME, `${file}.mjs`);
  }
  return files;
}

/** A page from a disk may start classic workers alone: `iife`. */
async function bundle(name, format) {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, name)],
    bundle: true,
    minify: true,
    format,
    define: { 'import.meta.url': 'self.location.href' },
    target: 'es2022',
    legalComments: 'inline',
    conditions: ['onnxruntime-web-use-extern-wasm'],
    write: false,
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}

function writeSinglePage(path, scripts, files) {
  const contents = Object.entries(files).map(([name, file]) => [name, readFileSync(file)]);
  const assets = [...contents, ['worker.js', scripts['worker.js']]].map(([name, content]) => {
    const text = gzipSync(content, { level: 9 }).toString('base64');
    return `<script type="text/plain" id="asset:${name}">${text}</script>`;
  });
  writePage(path, {
    style: `<style>\n${readFileSync(join(SOURCE, 'style.css'), 'utf8')}</style>`,
    assets: assets.join('\n'),
    script: `<script type="module">${scripts.main.replaceAll('</script', '<\\/script')}</script>`,
  });
}

function writeSite(folder, scripts, files) {
  for (const [name, file] of Object.entries(files)) copyFileSync(file, join(folder, name));
  copyFileSync(join(SOURCE, 'style.css'), join(folder, 'style.css'));
  writeFileSync(join(folder, 'main.js'), scripts.main);
  writeFileSync(join(folder, 'worker.js'), scripts['worker.js']);
  writePage(join(folder, 'index.html'), {
    style: '<link rel="stylesheet" href="style.css">',
    assets: '',
    script: '<script type="module" src="main.js"></script>',
  });
}

function writePage(path, parts) {
  let page = readFileSync(join(SOURCE, 'index.html'), 'utf8');
  for (const [name, content] of Object.entries(parts)) page = page.replace(`<!-- ${name} -->`, () => content);
  writeFileSync(path, page);
  console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
}

main().catch((error) => {
  console.error(error instanceof UserError ? error.message : error);
  process.exitCode = 1;
});
