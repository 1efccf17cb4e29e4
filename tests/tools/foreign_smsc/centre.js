#!/usr/bin/env node
// A foreign message centre, of the npm package `smpp`: lets one account in, answers each part with an id, puts long messages
// together by their headers, and sends a receipt for each part.
//
// On standard output one JSON object a line: the port first, then each whole message and each account that was sent away, and at
// the end what was counted. A line on standard input, `{"from": …, "to": …, "text": …}`, is a phone that writes; its end ends the
// centre, once all receipts were taken and it was asked whether it is there.

const readline = require('node:readline');
const smpp = require('smpp');

const ACCOUNT = { system_id: 'foreign', password: 'centre' };
// Octets of a part that has a header of six.
const PART = 134;

const counts = { binds: 0, submits: 0, receipts_taken: 0, inbound_taken: 0, enquiries: 0, enquiries_answered: 0 };
const making = new Map();
let bound = null;
let ending = false;

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n');

function count(what, pdu) {
  counts[what] += pdu.command_status === smpp.ESME_ROK ? 1 : 0;
  if (ending && counts.receipts_taken === counts.submits && counts.enquiries > 0) {
    tell(counts);
    process.exit(0);
  }
}

// The part of a concatenated message (3GPP TS 23.040, 9.2.3.24.1): which message, of how many parts, which of them.
function piece(udh) {
  const element = (udh || []).find((each) => each[0] === 0x00 && each[1] === 3);
  return element ? { reference: element[2], total: element[3], number: element[4] } : null;
}

function took(pdu) {
  const text = pdu.short_message.message;
  const part = piece(pdu.short_message.udh);
  const whole = { from: pdu.source_addr, to: pdu.destination_addr, data_coding: pdu.data_coding, registered: pdu.registered_delivery };
  if (!part) {
    return tell({ ...whole, parts: 1, text });
  }
  const key = [pdu.source_addr, pdu.destination_addr, part.reference, part.total].join('/');
  const parts = making.get(key) || new Map();
  making.set(key, parts.set(part.number, text));
  if (parts.size === part.total) {
    making.delete(key);
    const texts = [...parts].sort(([one], [other]) => one - other).map(([, text]) => text);
    tell({ ...whole, parts: part.total, text: texts.join('') });
  }
}

function receipt(pdu, id) {
  const date = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  const text = `id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date} stat:DELIVRD err:000 text:`;
  return {
    source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT, short_message: text,
  };
}

function phoneWrites({ from, to, text }) {
  const octets = Buffer.from(text, 'utf16le').swap16();
  const total = Math.ceil(octets.length / PART);
  for (let number = 1; number <= total; number += 1) {
    const message = octets.subarray((number - 1) * PART, number * PART);
    const udh = Buffer.from([5, 0, 3, 77, total, number]);
    bound.deliver_sm({
      source_addr_ton: smpp.TON.INTERNATIONAL, source_addr_npi: smpp.NPI.ISDN, source_addr: from,
      dest_addr_ton: smpp.TON.NETWORK_SPECIFIC, destination_addr: to,
      data_coding: smpp.ENCODING.UCS2, esm_class: smpp.ESM_CLASS.UDH_INDICATOR,
      short_message: { udh, message },
    }, (answer) => count('inbound_taken', answer));
  }
}

const server = smpp.createServer((session) => {
  session.on('error', () => session.destroy());
  session.on('bind_transceiver', (pdu) => {
    if (pdu.system_id !== ACCOUNT.system_id || pdu.password !== ACCOUNT.password) {
      tell({ stranger: pdu.system_id });
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return session.close();
    }
    counts.binds += 1;
    bound = session;
    session.send(pdu.response({ system_id: 'foreign-centre' }));
    session.enquire_link({}, (answer) => count('enquiries_answered', answer));
  });
  session.on('submit_sm', (pdu) => {
    counts.submits += 1;
    const id = `f${counts.submits.toString(16)}`;
    session.send(pdu.response({ message_id: id }));
    took(pdu);
    session.deliver_sm(receipt(pdu, id), (answer) => count('receipts_taken', answer));
  });
  session.on('enquire_link', (pdu) => {
    session.send(pdu.response());
    count('enquiries', pdu);
  });
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
});

server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
readline.createInterface({ input: process.stdin }).on('line', (line) => phoneWrites(JSON.parse(line))).on('close', () => {
  ending = true;
});
