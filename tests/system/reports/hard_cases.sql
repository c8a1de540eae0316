-- Rows that careless queries count wrongly. Only the tables and columns that the three reports read.
CREATE TABLE consultants (
	id VARCHAR NOT NULL PRIMARY KEY, first_name VARCHAR(100) NOT NULL, last_name VARCHAR(100) NOT NULL,
	industry VARCHAR(100), hourly_rate NUMERIC(10, 2), currency VARCHAR(3), status VARCHAR(20) NOT NULL,
	kyc_status VARCHAR(20) NOT NULL, response_rate NUMERIC(5, 2), response_time_hours NUMERIC(6, 2),
	created_at DATETIME, archived_at DATETIME
);
CREATE TABLE consultation_bookings (
	id VARCHAR NOT NULL PRIMARY KEY, consultant_id VARCHAR NOT NULL, amount NUMERIC(10, 2) NOT NULL,
	currency VARCHAR(3) NOT NULL, booking_status VARCHAR(20) NOT NULL, payment_status VARCHAR(20) NOT NULL,
	paid_at DATETIME, created_at DATETIME
);
CREATE TABLE consultant_projects (
	id VARCHAR NOT NULL PRIMARY KEY, consultant_id VARCHAR NOT NULL, total_amount NUMERIC(12, 2),
	currency VARCHAR(3), status VARCHAR(20) NOT NULL, created_at DATETIME
);
CREATE TABLE consultant_reviews (
	id VARCHAR NOT NULL PRIMARY KEY, consultant_id VARCHAR NOT NULL, rating INTEGER NOT NULL,
	is_published BOOLEAN, created_at DATETIME
);
CREATE TABLE consultant_earnings (
	id VARCHAR NOT NULL PRIMARY KEY, consultant_id VARCHAR NOT NULL, amount NUMERIC(12, 2) NOT NULL,
	currency VARCHAR(3), platform_fee_percentage NUMERIC(5, 2), platform_fee_amount NUMERIC(12, 2),
	net_amount NUMERIC(12, 2), payment_status VARCHAR(20), created_at DATETIME
);

INSERT INTO consultants VALUES
	('c1', 'Ada', '=1+1', 'Öl & Gas', 95, 'EUR', 'active', 'approved', 97.5, 1.5, '2025-10-20 10:00:00', NULL),
	('c2', 'Zoë', 'Müller; "Lang"', '-2+3', 150.25, 'USD', 'active', 'approved', 100, NULL, '2025-09-20T10:00:00', NULL),
	('c3', '[erased]', '[erased]', NULL, NULL, NULL, 'archived', 'rejected', NULL, 24, '2025-10-20 10:00:00', '2025-10-21 00:00:00.000000'),
	('c4', 'No', 'Work', NULL, 87.5, NULL, 'pending', 'not_started', NULL, NULL, '2025-10-04 12:00:00', NULL),
	('c5', 'Archived', 'By date only', 'X', 10, 'EUR', 'active', 'approved', 1, 1, '2025-10-20 10:00:00', '2025-10-21 00:00:00');

INSERT INTO consultation_bookings VALUES
	('b01', 'c1', 30, 'EUR', 'completed', 'completed', '2024-12-31 23:59:59.999999', '2024-12-30 10:00:00'),
	('b02', 'c1', 30, 'EUR', 'completed', 'completed', '2025-01-01 00:00:00', '2024-12-31 10:00:00'),
	('b03', 'c1', 0.30000000000000004, 'EUR', 'completed', 'completed', '2025-01-01T00:00:00', '2024-12-31 10:00:00'),
	('b04', 'c1', 0.125, 'EUR', 'completed', 'completed', '2025-01-02 00:00:00.000', '2024-12-31 10:00:00'),
	('b05', 'c1', 2.675, 'EUR', 'completed', 'completed', '2025-01-03 00:00:00', '2024-12-31 10:00:00'),
	('b06', 'c1', 1.005, 'EUR', 'completed', 'completed', '2025-01-03 00:00:00', '2024-12-31 10:00:00'),
	('b07', 'c1', 0.1, 'EUR', 'completed', 'completed', '2025-01-31 23:30:00-01:00', '2024-12-31 10:00:00'),
	('b08', 'c1', 0.1, 'EUR', 'completed', 'completed', '2025-02-01T00:30:00+01:00', '2024-12-31 10:00:00'),
	('b09', 'c1', 0.1, 'EUR', 'completed', 'completed', '2025-02-01T00:30:00Z', '2024-12-31 10:00:00'),
	('b10', 'c1', 49.5, 'USD', 'no_show', 'completed', '2025-02-02 12:00:00', '2025-02-01 10:00:00'),
	('b11', 'c1', 49.5, 'USD', 'cancelled', 'refunded', NULL, '2025-02-01 10:00:00'),
	('b12', 'c1', 30, 'EUR', 'pending_payment', 'pending', NULL, '2025-02-28 23:59:59'),
	('b13', 'c1', 30, 'EUR', 'pending_payment', 'pending', '', '2025-02-28 23:59:59'),
	('b14', 'c1', 30, 'EUR', 'cancelled', 'failed', NULL, '2025-03-01 00:00:00.000001'),
	('b15', 'c1', -30.1, 'EUR', 'completed', 'completed', '2025-03-02 00:00:00', '2025-03-01 00:00:00'),
	('b16', 'c2', 99999999.99, 'EUR', 'completed', 'completed', '2025-03-02 00:00:00', '2025-03-01 00:00:00'),
	('b17', 'c2', 99999999.99, 'EUR', 'completed', 'completed', '2025-03-02 00:00:01', '2025-03-01 00:00:00'),
	('b18', 'c2', 0, 'EUR', 'completed', 'completed', '2025-03-02', '2025-03-01 00:00:00'),
	('b19', 'c3', 30, 'EUR', 'completed', 'completed', '2025-03-02 00:00:00', '2025-03-01 00:00:00'),
	('b20', 'nobody', 30, 'EUR', 'completed', 'completed', '2025-03-02 00:00:00', '2025-03-01 00:00:00'),
	('b21', 'c2', 30, 'EUR', 'strange', 'disputed', NULL, '2025-03-01 00:00:00'),
	('b22', 'c2', 30, 'EUR', 'completed', 'completed', 'no date', '2025-03-01 00:00:00');

INSERT INTO consultant_projects VALUES
	('p1', 'c1', 1000, 'EUR', 'completed', '2025-10-20 10:00:00'),
	('p2', 'c1', 333.33, 'EUR', 'in_progress', '2025-10-20T10:00:00'),
	('p3', 'c1', NULL, NULL, 'open', '2025-10-20 10:00:00.000000'),
	('p4', 'c2', 0.05, 'EUR', 'cancelled', '2025-01-20 10:00:00'),
	('p5', 'c3', 700, 'USD', 'completed', '2025-01-20 10:00:00');

INSERT INTO consultant_reviews VALUES
	('r1', 'c1', 5, 1, '2025-10-20 10:00:00'), ('r2', 'c1', 4, 1, '2025-01-20 10:00:00'),
	('r3', 'c1', 4, 'true', '2025-01-20 10:00:00'), ('r4', 'c1', 1, 0, '2025-01-20 10:00:00'),
	('r5', 'c1', 1, NULL, '2025-01-20 10:00:00'), ('r6', 'nobody', 3, 1, '2025-01-20 10:00:00');

INSERT INTO consultant_earnings VALUES
	('e1', 'c1', 100, 'EUR', 15, 15, 85, 'processed', '2025-10-20 10:00:00'),
	('e2', 'c1', 99.5, 'EUR', 15, NULL, NULL, 'processed', '2025-10-04 12:00:00'),
	('e3', 'c1', 0.1, 'EUR', NULL, NULL, NULL, 'processed', '2025-10-04 12:00:00.000001'),
	('e4', 'c1', 33.33, 'EUR', 12.5, NULL, 30, 'processed', '2025-09-20 10:00:00'),
	('e5', 'c1', 200, 'USD', 15, 30, NULL, 'processed', '2025-11-03 12:00:00'),
	('e6', 'c1', 400, 'EUR', 15, 60, 340, 'pending', '2025-10-20 10:00:00'),
	('e7', 'c2', 500, NULL, 15, 75, 425, 'processed', '2025-11-03T11:59:59.999999'),
	('e8', 'c2', 500, 'EUR', 15, 75, 425, 'processed', '2025-11-03 12:00:00.000001'),
	('e10', 'c2', -25.5, 'EUR', 15, NULL, NULL, 'processed', '2025-10-20 10:00:00'),
	('e9', 'c3', 10, 'EUR', 15, 1.5, 8.5, 'processed', '2025-09-04 12:00:00.000001');
