#!/usr/bin/env python3
"""A foreign ESME: binds to a message centre, submits a long Vietnamese text in parts, and waits for each part's receipt."""

import sys

import smpplib.client
import smpplib.consts
import smpplib.gsm

TEXT = "Kính gửi quý khách: sự cố đường dây 500 kV Bắc - Nam làm mất điện lúc 14 giờ. Dự kiến có điện lại trước 16 giờ. Xin lỗi quý khách."


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    parts, coding, esm_class = smpplib.gsm.make_parts(TEXT)
    if coding != smpplib.consts.SMPP_ENCODING_ISO10646 or len(parts) < 2:
        sys.exit(f"this text should be several parts of UCS-2, not {len(parts)} of coding {coding}")
    taken, receipts = [], []
    client = smpplib.client.Client(host, int(port), timeout=10, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: taken.append(pdu.message_id.decode()))
    client.set_message_received_handler(lambda pdu: receipts.append(pdu.short_message.decode("ascii")))
    client.connect()
    client.bind_transceiver(system_id="foreign", password="esme")
    for part in parts:
        client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM, source_addr="EVNHCMC",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL, dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr="84901234567", short_message=part, data_coding=coding, esm_class=esm_class,
            registered_delivery=True,
        )
    while len(taken) < len(parts) or len(receipts) < len(parts):
        client.read_once(ignore_error_codes=[], auto_send_enquire_link=False)
    for message_id in taken:
        if not any(f"id:{message_id} " in receipt and "stat:DELIVRD" in receipt for receipt in receipts):
            sys.exit(f"no receipt of {message_id} among {receipts}")
    client.unbind()
    client.disconnect()
    print(len(parts))


if __name__ == "__main__":
    main()
