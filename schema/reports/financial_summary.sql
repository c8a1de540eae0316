-- name: financial_summary
-- title: Financial summary
-- title.de: Finanzübersicht
-- folder: analytics/financial
-- sensitivity: financial
-- param: from date optional | first day (UTC) of the payment or, while unpaid, of the booking
-- param: to date optional | last day (UTC), included
-- table: consultation_bookings (consultant_id, amount, currency, payment_status, paid_at, created_at)
-- table: consultants (id, first_name, last_name)
-- column: month text | Monat
-- column: consultant_id text | Berater-Nr.
-- column: consultant text | Berater
-- column: currency text | Währung
-- column: bookings int | Buchungen
-- column: paid int | Bezahlt
-- column: refunded int | Erstattet
-- column: gross money(currency) | Brutto
-- column: refunded_amount money(currency) | Erstatteter Betrag
-- column: platform_fee money(currency) | Plattformgebühr
-- column: net money(currency) | Netto

-- A row per month, consultant and currency. The month is that of paid_at, in UTC, and of created_at while nothing was
-- paid. `gross` are the completed payments; refunded ones are no longer among them, so they are not subtracted again.
-- The fee is 15 % of each booking, half a cent rounded up. Archived and erased consultants are included, and bookings
-- whose consultant does not exist any more: sums must be complete.
WITH booking AS (
	SELECT
		consultant_id,
		currency,
		payment_status,
		cents(amount) AS amount,
		utc(coalesce(nullif(paid_at, ''), created_at)) AS at
	FROM consultation_bookings
),
priced AS (
	SELECT
		substr(at, 1, 7) AS month,
		consultant_id,
		currency,
		payment_status = 'completed' AS is_paid,
		payment_status = 'refunded' AS is_refunded,
		amount,
		quotient(amount * 15, 100) AS fee
	FROM booking
	WHERE (:from IS NULL OR substr(at, 1, 10) >= :from)
		AND (:to IS NULL OR substr(at, 1, 10) <= :to)
),
total AS (
	SELECT
		month,
		consultant_id,
		currency,
		count(*) AS bookings,
		sum(is_paid) AS paid,
		sum(is_refunded) AS refunded,
		sum(CASE WHEN is_paid THEN amount ELSE 0 END) AS gross,
		sum(CASE WHEN is_refunded THEN amount ELSE 0 END) AS refunded_amount,
		sum(CASE WHEN is_paid THEN fee ELSE 0 END) AS platform_fee
	FROM priced
	GROUP BY month, consultant_id, currency
)
SELECT
	total.month,
	total.consultant_id,
	trim(consultants.first_name || ' ' || consultants.last_name) AS consultant,
	total.currency,
	total.bookings,
	total.paid,
	total.refunded,
	total.gross,
	total.refunded_amount,
	total.platform_fee,
	total.gross - total.platform_fee AS net
FROM total
LEFT JOIN consultants ON consultants.id = total.consultant_id
ORDER BY total.month, total.consultant_id, total.currency
