"""Computes the figures of the shipped reports a second time, in Decimal and without SQL's arithmetic, and compares
them with what the program wrote.

    check_reports.py --run RUN_REPORT --reports DIR (--database FILE | --sql FILE) [--expected expected.json]
"""
import argparse
import collections
import csv
import datetime
import decimal
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

CENT = decimal.Decimal("0.01")
HALF_UP = decimal.ROUND_HALF_UP
NOW = "2025-11-03 12:00:00"
decimal.getcontext().prec = 40


def money(value):
    """As the application reads a stored amount."""
    return None if value is None else decimal.Decimal("%.2f" % value)


def rounded(value):
    return value.quantize(CENT, HALF_UP)


def percent(part, whole):
    return rounded(decimal.Decimal(part) * 100 / whole) if whole else None


def moment(text):
    """UTC, without zone; None for what is no time."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at.astimezone(datetime.timezone.utc).replace(tzinfo=None) if at.tzinfo else at


class Checker:
    def __init__(self, args, database):
        self.args = args
        self.database = database
        self.db = sqlite3.connect("file:%s?mode=ro" % database, uri=True)
        self.db.row_factory = sqlite3.Row
        self.failures = 0

    def rows(self, sql):
        return self.db.execute(sql)

    def fail(self, *words):
        self.failures += 1
        if self.failures <= 20:
            print("FAIL", *words)

    def report(self, name, **params):
        """Runs the program; the rows as lists of text, without the header. NULL and empty text are told apart."""
        payload = json.dumps({"report": name, "params": params})
        with tempfile.TemporaryDirectory() as out:
            start = time.monotonic()
            done = subprocess.run(
                [self.args.run, self.database, out, self.args.reports, payload],
                stdout=subprocess.PIPE,
                check=True,
            )
            took = time.monotonic() - start
            result = json.loads(done.stdout)
            with open(os.path.join(out, result["path"]), "rb") as f:
                data = f.read()
            with open(os.path.join(out, result["manifest"]), encoding="utf-8") as f:
                manifest = json.load(f)
        for key in "path", "bytes", "sha256", "rows", "expires_at":
            if manifest[key] != result[key]:
                self.fail(name, "manifest and result differ in", key)
        if manifest["bytes"] != len(data) or manifest["sha256"] != hashlib.sha256(data).hexdigest():
            self.fail(name, "the manifest describes another file")
        lines = list(csv.reader(data.decode("utf-8").splitlines(keepends=True)))
        if [c["name"] for c in manifest["columns"]] != lines[0]:
            self.fail(name, "the header is", lines[0])
        if manifest["rows"] != len(lines) - 1:
            self.fail(
                name, "rows in the manifest:", manifest["rows"], "in the file:", len(lines) - 1
            )
        print("%s %s: %d rows in %.2f s" % (name, params, manifest["rows"], took))
        return lines[1:]

    def compare(self, what, found, wanted):
        found = [tuple(r) for r in found]
        if found == wanted:
            return
        for f, w in zip(found, wanted):
            if f != w:
                self.fail(what, "found", f, "wanted", w)
        if len(found) != len(wanted):
            self.fail(what, "found", len(found), "rows, wanted", len(wanted))


def defuse(text):
    """What a text cell looks like in the file."""
    if text is None:
        return ""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\0") else text


def cell(value):
    return "" if value is None else str(value)


def fee_of(amount, rate=decimal.Decimal(15)):
    return rounded(amount * rate / 100)


def day_in(at, start, end):
    day = at and at.date().isoformat()
    if start is None and end is None:
        return True
    return day is not None and (start is None or day >= start) and (end is None or day <= end)


def booking_time(row):
    return moment(row["paid_at"] or row["created_at"])


def names(checker):
    return {
        r["id"]: ("%s %s" % (r["first_name"], r["last_name"])).strip(" ")
        for r in checker.rows("SELECT * FROM consultants")
    }


def financial_summary(checker, start=None, end=None):
    people = names(checker)
    totals = collections.defaultdict(
        lambda: [0, 0, 0, decimal.Decimal(0), decimal.Decimal(0), decimal.Decimal(0)]
    )
    for r in checker.rows(
        "SELECT consultant_id, currency, payment_status, amount, paid_at, created_at"
        " FROM consultation_bookings"
    ):
        at = booking_time(r)
        if not day_in(at, start, end):
            continue
        t = totals[(at.strftime("%Y-%m") if at else None, r["consultant_id"], r["currency"])]
        amount = money(r["amount"])
        t[0] += 1
        if r["payment_status"] == "completed":
            t[1] += 1
            t[3] += amount
            t[5] += fee_of(amount)
        if r["payment_status"] == "refunded":
            t[2] += 1
            t[4] += amount
    wanted = []
    for key in sorted(totals, key=lambda k: (k[0] or "", k[1], k[2])):
        n, paid, refunded, gross, back, fee = totals[key]
        amounts = ["%.2f" % x for x in (gross, back, fee, gross - fee)]
        wanted.append(
            (
                cell(key[0]),
                key[1],
                defuse(people.get(key[1])),
                key[2],
                str(n),
                str(paid),
                str(refunded),
                *amounts,
            )
        )
    params = {k: v for k, v in (("from", start), ("to", end)) if v}
    found = checker.report("financial_summary", **params)
    checker.compare("financial_summary", found, wanted)
    return found


def earning_parts(r):
    """amount, fee, net, whether something had to be computed"""
    amount = money(r["amount"])
    fee, net = money(r["platform_fee_amount"]), money(r["net_amount"])
    rate = money(r["platform_fee_percentage"])
    estimated = fee is None or net is None
    if fee is None:
        fee = fee_of(amount, decimal.Decimal(15) if rate is None else rate)
    return amount, fee, amount - fee if net is None else net, estimated


def is_published(row):
    return row["is_published"] in (1, "true", "false")


def consultant_performance(checker, start=None, end=None, consultant=None):
    zero = decimal.Decimal(0)
    people, own = names(checker), {}
    for r in checker.rows("SELECT * FROM consultants"):
        shown = (
            r["id"] == consultant
            if consultant
            else r["archived_at"] is None and r["status"] != "archived"
        )
        if shown:
            own[r["id"]] = (r["status"], r["kyc_status"], r["currency"] or "EUR")
    rows = {(i, o[2]): collections.Counter() for i, o in own.items()}

    def at(r, currency):
        return rows.setdefault((r["consultant_id"], currency), collections.Counter())

    for r in checker.rows("SELECT * FROM consultation_bookings"):
        if r["consultant_id"] not in own or not day_in(booking_time(r), start, end):
            continue
        c = at(r, r["currency"])
        c["n"] += 1
        c[r["booking_status"]] += 1
        if r["payment_status"] == "completed":
            c["paid"] += 1
            c["gross"] += money(r["amount"])
            c["fee"] += fee_of(money(r["amount"]))
    for r in checker.rows("SELECT * FROM consultant_projects"):
        if r["consultant_id"] in own and day_in(moment(r["created_at"]), start, end):
            c = at(r, r["currency"] or "EUR")
            c["projects"] += 1
            c["projects_completed"] += r["status"] == "completed"
    for r in checker.rows("SELECT * FROM consultant_earnings WHERE payment_status = 'processed'"):
        if r["consultant_id"] in own and day_in(moment(r["created_at"]), start, end):
            c = at(r, r["currency"] or "EUR")
            amount, fee, net, estimated = earning_parts(r)
            c["earnings"] += amount
            c["earnings_fee"] += fee
            c["earnings_net"] += net
            c["estimated"] += estimated
    stars = collections.defaultdict(list)
    for r in checker.rows("SELECT * FROM consultant_reviews"):
        if is_published(r) and day_in(moment(r["created_at"]), start, end):
            stars[r["consultant_id"]].append(r["rating"])
    wanted = []
    for (i, currency), c in sorted(
        rows.items(), key=lambda x: (people[x[0][0]].encode(), x[0][0], x[0][1])
    ):
        gross, fee = c["gross"] or zero, c["fee"] or zero
        reviews = average = ""
        if currency == own[i][2]:
            given = stars[i]
            reviews = str(len(given))
            average = str(rounded(decimal.Decimal(sum(given)) / len(given))) if given else ""
        wanted.append(
            (
                i,
                defuse(people[i]),
                own[i][0],
                own[i][1],
                currency,
                str(c["n"]),
                str(c["completed"]),
                str(c["cancelled"]),
                str(c["no_show"]),
                str(c["paid"]),
                "%.2f" % gross,
                "%.2f" % fee,
                "%.2f" % (gross - fee),
                str(c["projects"]),
                str(c["projects_completed"]),
                "%.2f" % c["earnings"],
                "%.2f" % c["earnings_fee"],
                "%.2f" % c["earnings_net"],
                str(c["estimated"]),
                reviews,
                average,
            )
        )
    params = {k: v for k, v in (("from", start), ("to", end), ("consultant", consultant)) if v}
    checker.compare(
        "consultant_performance", checker.report("consultant_performance", **params), wanted
    )


def mean(values):
    return rounded(sum(values) / len(values)) if values else None


def plain(value):
    """A number as the report shows those without currency: no zeros behind the point."""
    if value is None or isinstance(value, int):
        return value
    return format(value.normalize(), "f")


def analytics_summary(checker, days=30):
    now = moment(NOW)
    since, before = now - datetime.timedelta(days), now - datetime.timedelta(2 * days)
    people = [
        r
        for r in checker.rows("SELECT * FROM consultants")
        if r["archived_at"] is None and r["status"] != "archived"
    ]
    times = [moment(r["created_at"]) for r in people]
    new = sum(1 for t in times if t and since < t <= now)
    previous = sum(1 for t in times if t and before < t <= since)
    projects = checker.rows("SELECT * FROM consultant_projects").fetchall()
    completed = sum(p["status"] == "completed" for p in projects)
    stars = [
        decimal.Decimal(r["rating"])
        for r in checker.rows("SELECT * FROM consultant_reviews")
        if is_published(r)
    ]

    def column(name):
        return [money(r[name]) for r in people if r[name] is not None]

    wanted = [
        ("overview", "consultants_total", "", len(people)),
        ("overview", "consultants_new", "", new),
        ("overview", "consultants_new_change_percent", "", percent(new - previous, previous)),
        ("overview", "projects_active", "", sum(p["status"] == "in_progress" for p in projects)),
        ("overview", "projects_completed", "", completed),
        ("performance", "average_rating", "", mean(stars)),
        ("performance", "response_rate", "", mean(column("response_rate"))),
        ("performance", "response_time_hours", "", mean(column("response_time_hours"))),
        (
            "performance",
            "project_success_rate",
            "",
            percent(completed, len(projects)) if projects else 0,
        ),
        ("performance", "total_reviews", "", len(stars)),
    ]
    wanted = [(s, m, c, cell(plain(v))) for s, m, c, v in wanted]
    current, earlier = (
        collections.defaultdict(lambda: [decimal.Decimal(0)] * 3),
        collections.Counter(),
    )
    currencies = set()
    for r in checker.rows("SELECT * FROM consultant_earnings WHERE payment_status = 'processed'"):
        at, currency = moment(r["created_at"]), r["currency"] or "EUR"
        if at is None or not before < at <= now:
            continue
        currencies.add(currency)
        if at > since:
            current[currency] = [a + b for a, b in zip(current[currency], earning_parts(r)[:3])]
        else:
            earlier[currency] += money(r["amount"])
    values, rates = collections.defaultdict(list), collections.defaultdict(list)
    for p in projects:
        if p["total_amount"] is not None:
            values[p["currency"] or "EUR"].append(money(p["total_amount"]))
    for r in people:
        if r["hourly_rate"] is not None:
            rates[r["currency"] or "EUR"].append(money(r["hourly_rate"]))
    for metric, of in (
        ("total_earnings", lambda c: current[c][0]),
        ("platform_revenue", lambda c: current[c][1]),
        ("consultant_net_earnings", lambda c: current[c][2]),
        ("average_project_value", lambda c: mean(values[c])),
        ("hourly_rate_min", lambda c: min(rates[c], default=None)),
        ("hourly_rate_max", lambda c: max(rates[c], default=None)),
        ("hourly_rate_average", lambda c: mean(rates[c])),
        ("earnings_change_percent", lambda c: percent(current[c][0] - earlier[c], earlier[c])),
    ):
        for c in sorted(currencies | set(values) | set(rates)):
            value = of(c)
            wanted.append(("revenue", metric, c, "" if value is None else "%.2f" % value))
    industries = collections.Counter(r["industry"] or "" for r in people)
    for industry in sorted(industries, key=str.encode):
        wanted.append(("industry", defuse(industry), "", str(industries[industry])))
    checker.compare(
        "analytics_summary", checker.report("analytics_summary", days=days, now=NOW), wanted
    )


def cents(text):
    return int(decimal.Decimal(text) * 100)


def against_expected(checker, summary, path):
    """What the generator of the data counted while it wrote."""
    with open(path, encoding="utf-8") as f:
        expected = json.load(f)
    months, by_status = collections.defaultdict(collections.Counter), collections.defaultdict(
        collections.Counter
    )
    for row in summary:
        month, currency = row[0], row[3]
        if cents(row[7]) or int(row[5]):
            months[currency][month] += cents(row[7])
        by_status[currency]["completed"] += cents(row[7])
        by_status[currency]["completed rows"] += int(row[5])
        by_status[currency]["refunded"] += cents(row[8])
        by_status[currency]["refunded rows"] += int(row[6])
        by_status[currency]["rows"] += int(row[4])
    if {c: dict(m) for c, m in months.items()} != expected["revenue_by_month_utc_cents"]:
        checker.fail("revenue_by_month_utc_cents")
    for currency, statuses in expected["bookings_by_currency_and_payment_status"].items():
        found = by_status[currency]
        for status in "completed", "refunded":
            want = statuses.get(status, {"rows": 0, "cents": 0})
            if (found[status + " rows"], found[status]) != (want["rows"], want["cents"]):
                checker.fail("bookings_by_currency_and_payment_status", currency, status)
        if found["rows"] != sum(s["rows"] for s in statuses.values()):
            checker.fail("bookings", currency)
    for currency, want in expected["revenue_by_currency_cents"].items():
        if by_status[currency]["completed"] != want:
            checker.fail("revenue_by_currency_cents", currency)
    print("compared with", path)


def check(args, database):
    checker = Checker(args, database)
    summary = financial_summary(checker)
    if args.expected:
        against_expected(checker, summary, args.expected)
    financial_summary(checker, "2025-01-01", "2025-01-31")
    financial_summary(checker, None, "2025-02-28")
    financial_summary(checker, "2025-03-01", None)
    consultant_performance(checker)
    consultant_performance(checker, "2025-01-01", "2025-10-20")
    for r in checker.rows("SELECT id FROM consultants ORDER BY archived_at IS NULL, id LIMIT 3"):
        consultant_performance(checker, None, None, r["id"])
    for days in 1, 30, 365:
        analytics_summary(checker, days)
    print("%d differences" % checker.failures)
    return 1 if checker.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--database")
    parser.add_argument("--sql")
    parser.add_argument("--expected")
    args = parser.parse_args()
    if args.database:
        return check(args, args.database)
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "application.db")
        db = sqlite3.connect(database)
        with open(args.sql, encoding="utf-8") as f:
            db.executescript(f.read())
        db.close()
        return check(args, database)


if __name__ == "__main__":
    sys.exit(main())
