-- name: analytics_summary
-- title: Analytics summary
-- title.de: Analyse im Überblick
-- folder: analytics
-- sensitivity: financial
-- param: days int(1..365) = 30 | length of the period that ends now; changes compare with the period before it
-- param: now time = now | end of the period (UTC)
-- table: consultants (id, status, industry, currency, hourly_rate, response_rate, response_time_hours, created_at)
-- table: consultants (archived_at)
-- table: consultant_projects (status, currency, total_amount)
-- table: consultant_reviews (rating, is_published)
-- table: consultant_earnings (amount, currency, platform_fee_percentage, platform_fee_amount, net_amount)
-- table: consultant_earnings (payment_status, created_at)
-- column: section text | Bereich
-- column: metric text | Kennzahl
-- column: currency text | Währung
-- column: value money(currency) | Wert

-- One metric a row; money has its currency, everything else has none. An empty value: there is nothing to compare with
-- or to take the mean of. Archived consultants are excluded; projects, reviews and earnings count whoever they belong
-- to. Earnings are the processed ones, by creation; a fee that is not stored is computed from the row's percentage
-- (15 if that is missing, too); a missing currency is the application's default, EUR. Rates and means are rounded to
-- two digits, half up.
WITH bounds AS (
	SELECT
		utc(:now) AS until,
		utc(datetime(substr(:now, 1, 19), '-' || :days || ' days') || substr(:now, 20)) AS since,
		utc(datetime(substr(:now, 1, 19), '-' || (2 * :days) || ' days') || substr(:now, 20)) AS earlier
),
consultant AS (
	SELECT
		industry,
		coalesce(currency, 'EUR') AS currency,
		cents(hourly_rate) AS rate,
		cents(response_rate) AS response_rate,
		cents(response_time_hours) AS response_time,
		utc(created_at) AS at
	FROM consultants
	WHERE archived_at IS NULL AND status <> 'archived'
),
growth AS (
	SELECT
		count(*) AS total,
		coalesce(sum(at > since AND at <= until), 0) AS new,
		coalesce(sum(at > earlier AND at <= since), 0) AS previous,
		sum(response_rate) AS response_rate,
		count(response_rate) AS response_rates,
		sum(response_time) AS response_time,
		count(response_time) AS response_times
	FROM consultant, bounds
),
project AS (
	SELECT
		count(*) AS total,
		coalesce(sum(status = 'in_progress'), 0) AS active,
		coalesce(sum(status = 'completed'), 0) AS completed
	FROM consultant_projects
),
review AS (
	SELECT count(*) AS n, sum(rating) AS stars FROM consultant_reviews WHERE is_published <> 0
),
earning AS (
	SELECT
		coalesce(currency, 'EUR') AS currency,
		cents(amount) AS amount,
		coalesce(cents(platform_fee_amount),
			quotient(cents(amount) * coalesce(cents(platform_fee_percentage), 1500), 10000)) AS fee,
		cents(net_amount) AS net,
		utc(created_at) AS at
	FROM consultant_earnings
	WHERE payment_status = 'processed'
),
revenue AS (
	SELECT
		currency,
		coalesce(sum(CASE WHEN at > since THEN amount END), 0) AS total,
		coalesce(sum(CASE WHEN at > since THEN fee END), 0) AS fee,
		coalesce(sum(CASE WHEN at > since THEN coalesce(net, amount - fee) END), 0) AS net,
		coalesce(sum(CASE WHEN at <= since THEN amount END), 0) AS previous
	FROM earning, bounds
	WHERE at > earlier AND at <= until
	GROUP BY currency
),
value AS (
	SELECT coalesce(currency, 'EUR') AS currency, sum(cents(total_amount)) AS total, count(*) AS n
	FROM consultant_projects
	WHERE total_amount IS NOT NULL
	GROUP BY coalesce(currency, 'EUR')
),
rate AS (
	SELECT currency, min(rate) AS lowest, max(rate) AS highest, sum(rate) AS total, count(*) AS n
	FROM consultant
	WHERE rate IS NOT NULL
	GROUP BY currency
),
currencies AS (
	SELECT currency FROM revenue
	UNION
	SELECT currency FROM value
	UNION
	SELECT currency FROM rate
),
money AS (
	SELECT
		currencies.currency,
		coalesce(revenue.total, 0) AS earnings,
		coalesce(revenue.fee, 0) AS fee,
		coalesce(revenue.net, 0) AS net,
		revenue.previous,
		value.total AS value_total,
		value.n AS value_n,
		rate.lowest,
		rate.highest,
		rate.total AS rate_total,
		rate.n AS rate_n
	FROM currencies
	LEFT JOIN revenue ON revenue.currency = currencies.currency
	LEFT JOIN value ON value.currency = currencies.currency
	LEFT JOIN rate ON rate.currency = currencies.currency
),
line (place, section, metric, currency, value) AS (
	SELECT 1, 'overview', 'consultants_total', NULL, total FROM growth
	UNION ALL
	SELECT 2, 'overview', 'consultants_new', NULL, new FROM growth
	UNION ALL
	SELECT 3, 'overview', 'consultants_new_change_percent', NULL,
		quotient((new - previous) * 10000, previous) / 100.0 FROM growth
	UNION ALL
	SELECT 4, 'overview', 'projects_active', NULL, active FROM project
	UNION ALL
	SELECT 5, 'overview', 'projects_completed', NULL, completed FROM project
	UNION ALL
	SELECT 6, 'performance', 'average_rating', NULL, quotient(stars * 100, n) / 100.0 FROM review
	UNION ALL
	SELECT 7, 'performance', 'response_rate', NULL,
		quotient(response_rate, response_rates) / 100.0 FROM growth
	UNION ALL
	SELECT 8, 'performance', 'response_time_hours', NULL,
		quotient(response_time, response_times) / 100.0 FROM growth
	UNION ALL
	SELECT 9, 'performance', 'project_success_rate', NULL,
		coalesce(quotient(completed * 10000, total) / 100.0, 0) FROM project
	UNION ALL
	SELECT 10, 'performance', 'total_reviews', NULL, n FROM review
	UNION ALL
	SELECT 11, 'revenue', 'total_earnings', currency, earnings FROM money
	UNION ALL
	SELECT 12, 'revenue', 'platform_revenue', currency, fee FROM money
	UNION ALL
	SELECT 13, 'revenue', 'consultant_net_earnings', currency, net FROM money
	UNION ALL
	SELECT 14, 'revenue', 'average_project_value', currency, quotient(value_total, value_n) FROM money
	UNION ALL
	SELECT 15, 'revenue', 'hourly_rate_min', currency, lowest FROM money
	UNION ALL
	SELECT 16, 'revenue', 'hourly_rate_max', currency, highest FROM money
	UNION ALL
	SELECT 17, 'revenue', 'hourly_rate_average', currency, quotient(rate_total, rate_n) FROM money
	UNION ALL
	SELECT 18, 'revenue', 'earnings_change_percent', currency,
		quotient((earnings - previous) * 10000, previous) FROM money
	UNION ALL
	SELECT 19, 'industry', coalesce(industry, ''), NULL, count(*) FROM consultant GROUP BY coalesce(industry, '')
)
SELECT section, metric, currency, value
FROM line
ORDER BY place, currency, metric
