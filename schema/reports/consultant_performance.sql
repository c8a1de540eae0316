-- name: consultant_performance
-- title: Consultant performance
-- title.de: Leistung der Berater
-- folder: analytics/consultant
-- sensitivity: personal
-- param: from date optional | first day (UTC)
-- param: to date optional | last day (UTC), included
-- param: consultant text optional | id of one consultant; an archived one is shown only so
-- table: consultants (id, first_name, last_name, status, kyc_status, currency, archived_at)
-- table: consultation_bookings (consultant_id, amount, currency, booking_status, payment_status, paid_at, created_at)
-- table: consultant_projects (consultant_id, currency, status, created_at)
-- table: consultant_reviews (consultant_id, rating, is_published, created_at)
-- table: consultant_earnings (consultant_id, amount, currency, platform_fee_percentage, platform_fee_amount, net_amount)
-- table: consultant_earnings (payment_status, created_at)
-- column: consultant_id text | Berater-Nr.
-- column: consultant text | Berater
-- column: status text | Status
-- column: kyc_status text | KYC-Status
-- column: currency text | Währung
-- column: bookings int | Buchungen
-- column: completed int | Durchgeführt
-- column: cancelled int | Storniert
-- column: no_show int | Nicht erschienen
-- column: paid int | Bezahlt
-- column: gross money(currency) | Brutto
-- column: platform_fee money(currency) | Plattformgebühr
-- column: net money(currency) | Netto
-- column: projects int | Projekte
-- column: projects_completed int | Abgeschlossene Projekte
-- column: earnings money(currency) | Vergütungen
-- column: earnings_fee money(currency) | Gebühr der Vergütungen
-- column: earnings_net money(currency) | Netto der Vergütungen
-- column: earnings_estimated int | Vergütungen mit berechneter Gebühr
-- column: reviews int | Bewertungen
-- column: average_rating hundredths | Durchschnitt der Bewertungen

-- A row per consultant and currency; each consultant has at least the row of the own currency. What has no currency
-- (reviews) stands in that row alone, so every column can be summed. Each source is aggregated before it is joined:
-- joined first, two projects and two earnings would become four of each.
-- Periods: bookings by payment or, while unpaid, by creation; projects, reviews and earnings by creation.
-- Earnings are the processed ones. Where fee or net are not stored they are computed from the row's percentage
-- (15 if that is missing, too) and counted in earnings_estimated. A missing currency is the application's default, EUR.
WITH shown AS (
	SELECT
		id,
		trim(first_name || ' ' || last_name) AS name,
		status,
		kyc_status,
		coalesce(currency, 'EUR') AS own_currency
	FROM consultants
	WHERE CASE WHEN :consultant IS NULL THEN archived_at IS NULL AND status <> 'archived' ELSE id = :consultant END
),
booking AS (
	SELECT
		consultant_id,
		currency,
		booking_status,
		payment_status,
		cents(amount) AS amount,
		substr(utc(coalesce(nullif(paid_at, ''), created_at)), 1, 10) AS day
	FROM consultation_bookings
	WHERE consultant_id IN (SELECT id FROM shown)
),
bookings AS (
	SELECT
		consultant_id,
		currency,
		count(*) AS n,
		sum(booking_status = 'completed') AS completed,
		sum(booking_status = 'cancelled') AS cancelled,
		sum(booking_status = 'no_show') AS no_show,
		sum(payment_status = 'completed') AS paid,
		sum(CASE WHEN payment_status = 'completed' THEN amount ELSE 0 END) AS gross,
		sum(CASE WHEN payment_status = 'completed' THEN quotient(amount * 15, 100) ELSE 0 END) AS fee
	FROM booking
	WHERE (:from IS NULL OR day >= :from) AND (:to IS NULL OR day <= :to)
	GROUP BY consultant_id, currency
),
projects AS (
	SELECT
		consultant_id,
		coalesce(currency, 'EUR') AS currency,
		count(*) AS n,
		sum(status = 'completed') AS completed
	FROM consultant_projects
	WHERE (:from IS NULL OR substr(utc(created_at), 1, 10) >= :from)
		AND (:to IS NULL OR substr(utc(created_at), 1, 10) <= :to)
	GROUP BY consultant_id, coalesce(currency, 'EUR')
),
earning AS (
	SELECT
		consultant_id,
		coalesce(currency, 'EUR') AS currency,
		cents(amount) AS amount,
		coalesce(cents(platform_fee_amount),
			quotient(cents(amount) * coalesce(cents(platform_fee_percentage), 1500), 10000)) AS fee,
		cents(net_amount) AS net,
		platform_fee_amount IS NULL OR net_amount IS NULL AS estimated
	FROM consultant_earnings
	WHERE payment_status = 'processed'
		AND (:from IS NULL OR substr(utc(created_at), 1, 10) >= :from)
		AND (:to IS NULL OR substr(utc(created_at), 1, 10) <= :to)
),
earnings AS (
	SELECT
		consultant_id,
		currency,
		sum(amount) AS amount,
		sum(fee) AS fee,
		sum(coalesce(net, amount - fee)) AS net,
		sum(estimated) AS estimated
	FROM earning
	GROUP BY consultant_id, currency
),
reviews AS (
	SELECT
		consultant_id,
		count(*) AS n,
		quotient(sum(rating) * 100, count(*)) AS average
	FROM consultant_reviews
	WHERE is_published <> 0
		AND (:from IS NULL OR substr(utc(created_at), 1, 10) >= :from)
		AND (:to IS NULL OR substr(utc(created_at), 1, 10) <= :to)
	GROUP BY consultant_id
),
keys AS (
	SELECT id AS consultant_id, own_currency AS currency FROM shown
	UNION
	SELECT consultant_id, currency FROM bookings
	UNION
	SELECT consultant_id, currency FROM projects
	UNION
	SELECT consultant_id, currency FROM earnings
)
SELECT
	shown.id AS consultant_id,
	shown.name AS consultant,
	shown.status,
	shown.kyc_status,
	keys.currency,
	coalesce(bookings.n, 0) AS bookings,
	coalesce(bookings.completed, 0) AS completed,
	coalesce(bookings.cancelled, 0) AS cancelled,
	coalesce(bookings.no_show, 0) AS no_show,
	coalesce(bookings.paid, 0) AS paid,
	coalesce(bookings.gross, 0) AS gross,
	coalesce(bookings.fee, 0) AS platform_fee,
	coalesce(bookings.gross - bookings.fee, 0) AS net,
	coalesce(projects.n, 0) AS projects,
	coalesce(projects.completed, 0) AS projects_completed,
	coalesce(earnings.amount, 0) AS earnings,
	coalesce(earnings.fee, 0) AS earnings_fee,
	coalesce(earnings.net, 0) AS earnings_net,
	coalesce(earnings.estimated, 0) AS earnings_estimated,
	CASE WHEN keys.currency = shown.own_currency THEN coalesce(reviews.n, 0) END AS reviews,
	CASE WHEN keys.currency = shown.own_currency THEN reviews.average END AS average_rating
FROM keys
JOIN shown ON shown.id = keys.consultant_id
LEFT JOIN bookings ON bookings.consultant_id = keys.consultant_id AND bookings.currency = keys.currency
LEFT JOIN projects ON projects.consultant_id = keys.consultant_id AND projects.currency = keys.currency
LEFT JOIN earnings ON earnings.consultant_id = keys.consultant_id AND earnings.currency = keys.currency
LEFT JOIN reviews ON reviews.consultant_id = keys.consultant_id
ORDER BY shown.name, shown.id, keys.currency
