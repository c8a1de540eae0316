#!/usr/bin/env python3
"""Writes demo.sql: a small, invented database of the application, the same bytes at every run.

	make_demo.py > demo.sql

Every person, company, address and number is made up. The rows hold what real ones hold: dates in
three forms in one column, money as INTEGER and REAL, NULL fees, refunds, rows that point at
consultants who no longer exist, umlauts, and company names that a spreadsheet takes for a formula.
"""
import datetime
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
FIRST_DAY = datetime.datetime(2024, 1, 3, 8, 0, 0)
DAYS = 725
BOOKINGS = 150

CONSULTANTS = [
    # first name, last name, industry, headline, currency, status
    ("Käthe", "Brömmel", "Fertigung", "Prozesse, die nachts weiterlaufen", "EUR", "active"),
    ("Søren", "Åkerlund", "Energie", "Netze & Märkte", "EUR", "active"),
    ("Łukasz", "Żabicki", "Logistik", "Lager ohne Papier", "EUR", "active"),
    ("Maëlle", "d'Oriol", "Handel", "Preise; Rabatte, Margen", "EUR", "active"),
    ("Tobias", "Weiß", "Medizintechnik", "Zulassung in zwölf Monaten", "EUR", "active"),
    ("Grace", "Whitlock", "Software", "=Architecture+Delivery", "USD", "active"),
    ("Owen", "Tarrant", "Software", "@scale since 2009", "USD", "active"),
    ("Ngozi", "Adeyemi-Lund", "Finanzen", 'Controlling, "ganz ohne Excel"', "USD", "active"),
    ("Björn", "Hülshorst", "Fertigung", "+10 % Ausbeute", "EUR", "active"),
    ("Ιωάννα", "Παπαδάκη", "Tourismus", "Από την Κρήτη", "EUR", "active"),
    ("Rüdiger", "Schnöcker", "Handel", None, "EUR", "archived"),
    ("Neu", "Angemeldet", "Software", "Noch ohne Buchung", "EUR", "pending"),
]
COMPANIES = [
    "Öltank Süd GmbH",
    "=SUMME(A1:A9) AG",
    "+49 Kontor",
    "-1 Grad Kühltechnik",
    "@home Möbel",
    'Quoted "Q" Ltd',
    "Comma, Semicolon; Partners",
    "Two\nLines KG",
    "\tTab & Söhne",
    "Straße 7 eG",
    "0049",
    "日本橋商店",
    None,
    "",
]
FIRST_NAMES = ["Ava", "Jörg", "Çelik", "Ines", "Mårten", "Noëlle", "Paweł", "Uta"]
LAST_NAMES = ["Abendroth", "Büchsel", "Castañeda", "Drăgan", "Eßer", "Færøy", "Günay", "O'Hara"]
AMOUNTS = {"EUR": [30, 30, 49.9, 99.5, 149, 0.1 + 0.2, 1234.56], "USD": [35, 35, 79.99, 120.1, 250]}
# booking_status, payment_status, weight
STATES = [
    ("completed", "completed", 11),
    ("confirmed", "completed", 3),
    ("pending_payment", "pending", 3),
    ("cancelled", "refunded", 2),
    ("cancelled", "failed", 1),
    ("no_show", "completed", 1),
]
ADMINS = [
    ("anke.leiter@verwaltung.example", "Anke", "Leiter", "super_admin"),
    ("boris.zahl@verwaltung.example", "Boris", "Zähl", "admin"),
    ("cleo.wort@verwaltung.example", "Cleo", "Wort", "editor"),
]


class Dice:
    """Draws from random() alone: every Python promises its sequence, but not that of choice()."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, n):
        return int(self.random() * n)

    def pick(self, values):
        return values[self.below(len(values))]

    def weighted(self, rows):
        at = self.below(sum(row[-1] for row in rows))
        for row in rows:
            at -= row[-1]
            if at < 0:
                return row
        raise AssertionError("weights are positive")

    def uuid(self):
        digits = "".join("%04x" % self.below(65536) for _ in range(8))
        return "-".join(
            (digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:])
        )


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(value)
    text = "'" + value.replace("'", "''") + "'"
    for char in "\n\t":
        if char in value:
            text = text.replace(char, "'||char(%d)||'" % ord(char))
    return text


def insert(table, **columns):
    return "INSERT INTO %s (%s) VALUES (%s);" % (
        table,
        ", ".join(columns),
        ", ".join(literal(value) for value in columns.values()),
    )


def date19(when):
    """As CURRENT_TIMESTAMP writes it."""
    return when.strftime("%Y-%m-%d %H:%M:%S")


def date26(when):
    """As Python's sqlite3 writes it."""
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def date_t(when):
    """As hand-written SQL left it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S")


def some_day(dice):
    return FIRST_DAY + datetime.timedelta(
        days=dice.below(DAYS), seconds=dice.below(12 * 3600), microseconds=dice.below(1000000)
    )


def admins():
    for number, (email, first, last, role) in enumerate(ADMINS, 1):
        yield insert(
            "admin_users",
            id=number,
            email=email,
            hashed_password="!",
            first_name=first,
            last_name=last,
            timezone="Europe/Berlin",
            language="de",
            role=role,
            is_active=1,
            created_at=date19(FIRST_DAY),
            deleted_at=None,
        )


def consultants(dice):
    for first, last, industry, headline, currency, status in CONSULTANTS:
        consultant = dict(id=dice.uuid(), currency=currency, status=status)
        slug = consultant["id"][:8]
        row = insert(
            "consultants",
            id=consultant["id"],
            linkedin_url="https://profile.example/in/" + slug,
            email="beratung.%s@berater.example" % slug,
            first_name=first,
            last_name=last,
            headline=headline,
            timezone="Europe/Berlin",
            industry=industry,
            specializations='["a", "\\u00fc"]',
            years_experience=3 + dice.below(20),
            hourly_rate=dice.pick([90, 120.5, 145]),
            currency=currency,
            status=status,
            kyc_status="approved" if status == "active" else "not_started",
            is_featured=dice.below(2),
            is_verified=dice.below(2),
            total_projects=0,
            completed_projects=0,
            average_rating=None,
            total_earnings=0,
            response_rate=dice.pick([None, 87.5, 99]),
            response_time_hours=dice.pick([None, 4, 12.25]),
            created_at=dice.pick([date19, date26])(some_day(dice)),
            archived_at=date26(FIRST_DAY + datetime.timedelta(days=500))
            if status == "archived"
            else None,
        )
        yield consultant, row


def projects(dice, people):
    for number in range(36):
        person = dice.pick(people)
        project = dict(id=dice.uuid(), consultant=person["id"], currency=person["currency"])
        begin = some_day(dice)
        status = dice.pick(["completed", "completed", "in_progress", "open", "cancelled"])
        end = begin + datetime.timedelta(days=20 + dice.below(60))
        yield project, insert(
            "consultant_projects",
            id=project["id"],
            consultant_id=person["id"],
            title="Projekt %d" % (number + 1),
            project_type=dice.pick(["consultation", "implementation", "audit"]),
            client_company=dice.pick(COMPANIES),
            total_amount=dice.pick([None, 4800, 12000.5, 999.99]),
            currency=person["currency"],
            start_date=date26(begin),
            status=status,
            progress_percentage=100 if status == "completed" else dice.below(90),
            created_at=dice.pick([date19, date26])(begin),
            completed_at=date26(end) if status == "completed" else None,
        )


def reviews(dice, people, work):
    for _ in range(60):
        project = dice.pick(work + [None])
        person = project["consultant"] if project else dice.pick(people)["id"]
        yield insert(
            "consultant_reviews",
            id=dice.uuid(),
            consultant_id=person,
            project_id=project["id"] if project else None,
            rating=1 + dice.below(5),
            title=dice.pick(["Gut", "Sehr gründlich", "- nicht wieder", None]),
            reviewer_company=dice.pick(COMPANIES),
            is_published=0 if dice.below(6) == 0 else 1,
            is_featured=0,
            created_at=dice.pick([date19, date26])(some_day(dice)),
        )


def earnings(dice, people, work):
    for number in range(80):
        project = dice.pick(work + [None])
        person = dice.pick(people)
        amount = dice.pick([4800, 1999.99, 333.33, 0.1 + 0.2, 12000.5, 75])
        percent = dice.pick([15, 15, 15.0, 12.5, None])
        fee = None if dice.below(5) == 0 or percent is None else round(amount * percent / 100, 2)
        status = dice.pick(["processed", "processed", "pending", "failed"])
        when = some_day(dice)
        yield insert(
            "consultant_earnings",
            id=dice.uuid(),
            # The first row's consultant was deleted; nothing in the application prevents that.
            consultant_id=dice.uuid()
            if number == 0
            else project["consultant"]
            if project
            else person["id"],
            project_id=project["id"] if project else None,
            amount=amount,
            currency=project["currency"] if project else person["currency"],
            platform_fee_percentage=percent,
            platform_fee_amount=fee,
            net_amount=None if fee is None else round(amount - fee, 2),
            payment_method=dice.pick(["bank_transfer", "paypal", "stripe"]),
            payment_status=status,
            created_at=dice.pick([date19, date26])(when),
            processed_at=date26(when) if status == "processed" else None,
        )


def booking_times(dice, when, payment):
    paid = (
        when + datetime.timedelta(hours=dice.below(72))
        if payment in ("completed", "refunded")
        else None
    )
    form = dice.weighted([(date19, 10), (date26, 10), (date_t, 1)])[0]
    return dict(created_at=form(when), paid_at=date26(paid) if paid else None)


def bookings(dice, people):
    clients = [person for person in people if person["status"] != "pending"]
    for number in range(BOOKINGS):
        person = dice.pick(clients)
        booking, payment, _ = dice.weighted(STATES)
        currency = person["currency"] if dice.below(8) else dice.pick(["EUR", "USD"])
        when = some_day(dice)
        first = dice.pick(FIRST_NAMES)
        # Two bookings are of consultants who no longer exist.
        consultant = dice.uuid() if number in (40, 90) else person["id"]
        yield insert(
            "consultation_bookings",
            id=dice.uuid(),
            consultant_id=consultant,
            first_name=first,
            last_name=dice.pick(LAST_NAMES),
            email="kunde%d@kunde.example" % (number + 1),
            company=dice.pick(COMPANIES),
            phone="+49 30 00000%03d" % number,
            consultation_date=date26(when + datetime.timedelta(days=7)),
            time_slot=dice.pick(["10:00", "14:00"]),
            duration_minutes=30,
            timezone="Europe/Berlin",
            amount=dice.pick(AMOUNTS[currency]),
            currency=currency,
            booking_status=booking,
            payment_status=payment,
            terms_accepted=1,
            gdpr_consent=1,
            payment_method=dice.pick(["stripe", "paypal"]),
            booking_source="website",
            **booking_times(dice, when, payment)
        )


def applications(dice):
    for number in range(6):
        yield insert(
            "job_applications",
            id=dice.uuid(),
            position_title=dice.pick(["Entwicklung", "Vertrieb (m/w/d)"]),
            position_department="Technik",
            linkedin_profile="https://profile.example/in/bewerbung%d" % number,
            cv_filename="cv%d.pdf" % number,
            cv_original_filename="Lebenslauf %d.pdf" % number,
            cv_file_path="uploads/cvs/cv%d.pdf" % number,
            cv_file_size=1000 + number,
            cv_mime_type="application/pdf",
            consent_cv_sharing=1,
            consent_ai_processing=0,
            consent_communications=1,
            application_language="de",
            status="submitted",
            created_at=date19(some_day(dice)),
        )


def audit(dice):
    for number in range(12):
        yield insert(
            "audit_logs",
            id=number + 1,
            action=dice.pick(["CREATE", "UPDATE", "PASSWORD_RESET"]),
            resource_type="USER",
            resource_id=1 + dice.below(3),
            performed_by=1,
            timestamp=date19(some_day(dice)),
        )


def main():
    dice = Dice(20240103)
    people = list(consultants(dice))
    work = list(projects(dice, [person for person, _ in people[:10]]))
    persons, jobs = [person for person, _ in people], [project for project, _ in work]
    rows = [
        *admins(),
        *(row for _, row in people),
        *(row for _, row in work),
        *reviews(dice, persons[:10], jobs),
        *earnings(dice, persons[:10], jobs),
        *bookings(dice, persons),
        *applications(dice),
        *audit(dice),
    ]
    out = [
        "-- Written by make_demo.py; change that, not this.",
        "PRAGMA journal_mode = WAL;",
        "BEGIN;",
        "",
        (HERE / "tables.sql").read_text(encoding="utf-8"),
        *rows,
        "",
        "COMMIT;",
        "",
    ]
    sys.stdout.buffer.write("\n".join(out).encode())


main()
