"""Reads the open formats of a node or a gateway with libraries that are not ours, and says what they find, as JSON.

  foreign_formats.py geojson URL
  foreign_formats.py open311 URL KEY     asks for a service, twice with one key, and follows it
  foreign_formats.py cap URL…            validates alerts against the schema of OASIS
"""

import json
import sys

import requests


def geo(url):
    import geojson

    answer = requests.get(url, timeout=10)
    collection = geojson.loads(answer.text)
    assert answer.headers["content-type"] == "application/geo+json", answer.headers
    assert collection.is_valid, collection.errors()
    again = requests.get(url, headers={"If-None-Match": answer.headers["etag"]}, timeout=10)
    return {"features": len(collection.features), "again": again.status_code, "bytes": len(again.content)}


def open311(url, key):
    from georeport import GeoReport

    root = f"{url}/open311/v2"
    readers = [GeoReport(root, jurisdiction="HCMC", output_format=form) for form in ("json", "xml")]
    services = [[service["service_code"] for service in reader.get_service_list()] for reader in readers]
    assert services[0] == services[1] and "outage" in services[0], services
    definition = readers[0].get_service_definition("refund")
    required = [one["code"] for one in definition["attributes"] if one["required"]]
    asked = {
        "api_key": key,
        "jurisdiction_id": "HCMC",
        "service_code": "outage",
        "lat": "10.7767",
        "long": "106.7031",
        "address_string": "1 Lê Lợi",
        "first_name": "Lan",
        "last_name": "Nguyễn",
        "phone": "0901234567",
        "description": "Mất điện <từ sáng> & chưa có lại",
        "attribute[province]": "VN-SG",
    }
    ask = lambda form, data, key="k-1": requests.post(
        f"{root}/requests.{form}", data=data, headers={"Idempotency-Key": key}, timeout=10
    )
    first, second = ask("json", asked), ask("json", asked)
    assert first.status_code == 201, first.text
    assert first.json() == second.json(), (first.text, second.text)
    request = first.json()[0]["service_request_id"]
    one = [reader.get_service_request(request) for reader in readers]
    assert all(each["service_request_id"] == request and each["status"] == "open" for each in one), one
    found = [reader.get_service_requests(status="open", service_code="outage") for reader in readers]
    listed = [each["service_request_id"] for each in found[0]]
    wrong = {
        "no key": ask("json", {**asked, "api_key": ""}),
        "other key": ask("xml", {**asked, "api_key": "guessed"}),
        "no service": ask("json", {**asked, "service_code": "pothole"}),
        "nowhere": ask("json", {**asked, "lat": "", "address_string": "", "attribute[province]": "VN-00"}, "k-2"),
        "elsewhere": requests.get(f"{root}/requests.json", params={"jurisdiction_id": "SPC"}, timeout=10),
        "too long": ask("json", {**asked, "description": "a" * 70_000}, "k-3"),
        "json": requests.post(f"{root}/requests.json", json=asked, timeout=10),
        "unknown": requests.get(f"{root}/requests/HCMC-0000-0000-0.json", timeout=10),
    }
    discovery = requests.get(f"{url}/open311/discovery.json", timeout=10).json()
    return {
        "request": request,
        "required": required,
        "listed": listed,
        "shown": one[0],
        "wrong": {name: answer.status_code for name, answer in wrong.items()},
        "faults": wrong["nowhere"].json(),
        "endpoint": discovery["endpoints"][0]["url"],
    }


def cap(urls):
    from capvalidator import check_schema

    found = {}
    for url in urls:
        answer = requests.get(url, timeout=10)
        checked = check_schema(answer.content)
        assert checked.passed, (url, checked.message, answer.text)
        broken = check_schema(answer.content.replace(b"<scope>", b"<scoop>").replace(b"</scope>", b"</scoop>"))
        assert not broken.passed, "this validator takes anything"
        found[url] = answer.headers["content-type"]
    return found


kind, *arguments = sys.argv[1:]
json.dump({"geojson": lambda: geo(*arguments), "open311": lambda: open311(*arguments), "cap": lambda: cap(arguments)}[kind](), sys.stdout)
