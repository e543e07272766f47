// The host of somebody else (npm cashcode-bv) against our twin: what it hears goes out as JSON lines, what it shall do
// comes in as lines of one word. Its serial port is replaced by the plain file: the native module need not be there.
//
//     node ccnet_other_host.js FOLDER-OF-THE-PACKAGE PORT

'use strict';
const fs = require('fs');
const tty = require('tty');
const Module = require('module');
const { Duplex } = require('stream');

class Port extends Duplex {
  constructor(path) {
    super();
    this.path = path;
    this.isOpen = false;
  }

  open(done) {
    this.file = fs.openSync(this.path, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK);
    this.reader = new tty.ReadStream(this.file);
    this.reader.on('data', (data) => this.push(data));
    this.isOpen = true;
    this.emit('open');
    done(null);
  }

  _read() {}

  _write(data, encoding, done) {
    fs.write(this.file, data, done);
  }
}

const load = Module._load;
Module._load = (name, ...rest) => (name === 'serialport' ? Port : load(name, ...rest));
const { BillValidator } = require(process.argv[2]).CCNet;

const tell = (what, fields) => console.log(JSON.stringify({ what, ...fields }));
const device = new BillValidator(process.argv[3]);
for (const name of ['escrow', 'stacked', 'returned']) {
  device.on(name, (bill) => tell(name, { bill }));
}
for (const name of ['idling', 'disabled', 'power-up', 'power-up-with-bill-in-stacker', 'jammed', 'cassette-full']) {
  device.on(name, () => tell(name, {}));
}

const acts = { connect: 'connect', begin: 'begin', stack: 'stack', retrieve: 'retrieve', end: 'end' };
require('readline')
  .createInterface({ input: process.stdin })
  .on('line', async (word) => {
    const result = await device[acts[word]]().catch((error) => String(error));
    tell('done', { word, result: result === undefined ? null : result, info: device.info, table: device.billTable });
  })
  .on('close', () => process.exit(0));
