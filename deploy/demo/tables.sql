-- The tables of the application that the demo needs, as the application's own models create them: no CHECK, no
-- trigger, dates and JSON as TEXT in columns of NUMERIC affinity. make_demo.py puts this in front of its rows.

CREATE TABLE admin_users (
	id INTEGER NOT NULL,
	email VARCHAR(255) NOT NULL,
	hashed_password VARCHAR(255) NOT NULL,
	first_name VARCHAR(100) NOT NULL,
	last_name VARCHAR(100) NOT NULL,
	avatar_url VARCHAR(500),
	timezone VARCHAR(50),
	language VARCHAR(10),
	role VARCHAR(20) NOT NULL,
	is_active BOOLEAN NOT NULL,
	last_login DATETIME,
	failed_login_attempts INTEGER,
	locked_until DATETIME,
	last_password_change DATETIME,
	phone_number VARCHAR(20),
	department VARCHAR(100),
	job_title VARCHAR(100),
	notes TEXT,
	reset_token VARCHAR(255),
	reset_token_expires DATETIME,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	deleted_at DATETIME,
	created_by INTEGER,
	updated_by INTEGER,
	last_login_ip VARCHAR(45),
	last_login_user_agent TEXT,
	PRIMARY KEY (id)
);
CREATE TABLE audit_logs (
	id INTEGER NOT NULL,
	action VARCHAR(100) NOT NULL,
	resource_type VARCHAR(50) NOT NULL,
	resource_id INTEGER,
	performed_by INTEGER NOT NULL,
	performed_by_email VARCHAR(255),
	ip_address VARCHAR(45),
	user_agent TEXT,
	endpoint VARCHAR(255),
	old_values JSON,
	new_values JSON,
	reason TEXT,
	timestamp DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL,
	session_id VARCHAR(100),
	request_id VARCHAR(100),
	PRIMARY KEY (id)
);
CREATE TABLE consultants (
	id VARCHAR NOT NULL,
	linkedin_url VARCHAR(500) NOT NULL,
	linkedin_id VARCHAR(100),
	linkedin_data JSON,
	email VARCHAR(255) NOT NULL,
	first_name VARCHAR(100) NOT NULL,
	last_name VARCHAR(100) NOT NULL,
	profile_picture_url VARCHAR(500),
	headline VARCHAR(200),
	location VARCHAR(100),
	timezone VARCHAR(50),
	phone VARCHAR(20),
	industry VARCHAR(100),
	specializations JSON,
	years_experience INTEGER,
	hourly_rate NUMERIC(10, 2),
	currency VARCHAR(3),
	availability_status VARCHAR(20),
	languages_spoken JSON,
	ai_summary TEXT,
	ai_skills_assessment JSON,
	ai_market_positioning TEXT,
	ai_generated_keywords JSON,
	status VARCHAR(20) NOT NULL,
	kyc_status VARCHAR(20) NOT NULL,
	is_featured BOOLEAN,
	is_verified BOOLEAN,
	total_projects INTEGER,
	completed_projects INTEGER,
	average_rating NUMERIC(3, 2),
	total_earnings NUMERIC(12, 2),
	response_rate NUMERIC(5, 2),
	response_time_hours NUMERIC(6, 2),
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	last_active_at DATETIME,
	archived_at DATETIME,
	PRIMARY KEY (id)
);
CREATE TABLE consultant_projects (
	id VARCHAR NOT NULL,
	consultant_id VARCHAR NOT NULL,
	title VARCHAR(200) NOT NULL,
	description TEXT,
	industry VARCHAR(100),
	project_type VARCHAR(50),
	client_name VARCHAR(200),
	client_email VARCHAR(255),
	client_company VARCHAR(200),
	budget_min NUMERIC(10, 2),
	budget_max NUMERIC(10, 2),
	hourly_rate NUMERIC(10, 2),
	total_amount NUMERIC(12, 2),
	currency VARCHAR(3),
	estimated_hours INTEGER,
	start_date DATETIME,
	end_date DATETIME,
	deadline DATETIME,
	status VARCHAR(20) NOT NULL,
	progress_percentage INTEGER,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	completed_at DATETIME,
	PRIMARY KEY (id),
	FOREIGN KEY(consultant_id) REFERENCES consultants (id)
);
CREATE TABLE consultant_reviews (
	id VARCHAR NOT NULL,
	consultant_id VARCHAR NOT NULL,
	project_id VARCHAR,
	rating INTEGER NOT NULL,
	title VARCHAR(200),
	review_text TEXT,
	communication_rating INTEGER,
	expertise_rating INTEGER,
	timeliness_rating INTEGER,
	professionalism_rating INTEGER,
	value_for_money_rating INTEGER,
	reviewer_name VARCHAR(200),
	reviewer_email VARCHAR(255),
	reviewer_company VARCHAR(200),
	reviewer_title VARCHAR(100),
	is_published BOOLEAN,
	is_featured BOOLEAN,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	PRIMARY KEY (id),
	FOREIGN KEY(consultant_id) REFERENCES consultants (id),
	FOREIGN KEY(project_id) REFERENCES consultant_projects (id)
);
CREATE TABLE consultant_earnings (
	id VARCHAR NOT NULL,
	consultant_id VARCHAR NOT NULL,
	project_id VARCHAR,
	amount NUMERIC(12, 2) NOT NULL,
	currency VARCHAR(3),
	description VARCHAR(500),
	platform_fee_percentage NUMERIC(5, 2),
	platform_fee_amount NUMERIC(12, 2),
	net_amount NUMERIC(12, 2),
	payment_method VARCHAR(50),
	transaction_id VARCHAR(100),
	payment_status VARCHAR(20),
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	processed_at DATETIME,
	PRIMARY KEY (id),
	FOREIGN KEY(consultant_id) REFERENCES consultants (id),
	FOREIGN KEY(project_id) REFERENCES consultant_projects (id)
);
CREATE TABLE consultation_bookings (
	id VARCHAR NOT NULL,
	consultant_id VARCHAR NOT NULL,
	first_name VARCHAR(100) NOT NULL,
	last_name VARCHAR(100) NOT NULL,
	email VARCHAR(255) NOT NULL,
	company VARCHAR(255),
	website VARCHAR(500),
	phone VARCHAR(50) NOT NULL,
	consultation_date DATETIME NOT NULL,
	time_slot VARCHAR(10) NOT NULL,
	duration_minutes INTEGER NOT NULL,
	timezone VARCHAR(50),
	amount NUMERIC(10, 2) NOT NULL,
	currency VARCHAR(3) NOT NULL,
	billing_first_name VARCHAR(100),
	billing_last_name VARCHAR(100),
	billing_company VARCHAR(255),
	billing_street VARCHAR(255),
	billing_postal_code VARCHAR(20),
	billing_city VARCHAR(100),
	billing_country VARCHAR(2),
	vat_number VARCHAR(50),
	booking_status VARCHAR(20) NOT NULL,
	payment_status VARCHAR(20) NOT NULL,
	terms_accepted BOOLEAN NOT NULL,
	terms_accepted_at DATETIME,
	gdpr_consent BOOLEAN NOT NULL,
	meeting_url VARCHAR(500),
	meeting_notes TEXT,
	consultation_summary TEXT,
	payment_method VARCHAR(50),
	payment_reference VARCHAR(255),
	payment_provider VARCHAR(50),
	paid_at DATETIME,
	booking_source VARCHAR(50),
	utm_source VARCHAR(100),
	utm_medium VARCHAR(100),
	utm_campaign VARCHAR(100),
	user_agent TEXT,
	ip_address VARCHAR(45),
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	cancelled_at DATETIME,
	completed_at DATETIME,
	admin_notes TEXT,
	assigned_admin_id INTEGER,
	PRIMARY KEY (id),
	FOREIGN KEY(consultant_id) REFERENCES consultants (id),
	FOREIGN KEY(assigned_admin_id) REFERENCES admin_users (id)
);
CREATE TABLE job_applications (
	id VARCHAR(36) NOT NULL,
	position_title VARCHAR(255) NOT NULL,
	position_department VARCHAR(100) NOT NULL,
	position_location VARCHAR(100),
	position_type VARCHAR(50),
	linkedin_profile VARCHAR(500) NOT NULL,
	github_profile VARCHAR(500),
	cv_filename VARCHAR(255) NOT NULL,
	cv_original_filename VARCHAR(255) NOT NULL,
	cv_file_path VARCHAR(1000) NOT NULL,
	cv_file_size INTEGER NOT NULL,
	cv_mime_type VARCHAR(100) NOT NULL,
	cv_file_hash VARCHAR(64),
	consent_cv_sharing BOOLEAN NOT NULL,
	consent_ai_processing BOOLEAN NOT NULL,
	consent_communications BOOLEAN NOT NULL,
	consent_timestamp DATETIME DEFAULT (CURRENT_TIMESTAMP),
	application_language VARCHAR(2),
	user_agent TEXT,
	ip_address VARCHAR(45),
	referrer_url VARCHAR(1000),
	status VARCHAR(30),
	internal_notes JSON,
	recruiter_rating INTEGER,
	interview_date DATETIME,
	offer_details JSON,
	email_notifications_sent JSON,
	last_contact_date DATETIME,
	contact_history JSON,
	ai_analysis_results JSON,
	ai_processing_date DATETIME,
	ai_model_version VARCHAR(50),
	data_retention_until DATETIME,
	anonymization_date DATETIME,
	deletion_requested_at DATETIME,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME,
	submitted_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ix_admin_users_email ON admin_users (email);
CREATE INDEX ix_admin_users_id ON admin_users (id);
CREATE INDEX ix_audit_logs_action ON audit_logs (action);
CREATE INDEX ix_audit_logs_id ON audit_logs (id);
CREATE INDEX ix_audit_logs_performed_by ON audit_logs (performed_by);
CREATE INDEX ix_audit_logs_resource_id ON audit_logs (resource_id);
CREATE INDEX ix_audit_logs_resource_type ON audit_logs (resource_type);
CREATE INDEX ix_audit_logs_timestamp ON audit_logs (timestamp);
CREATE INDEX ix_consultant_earnings_consultant_id ON consultant_earnings (consultant_id);
CREATE INDEX ix_consultant_earnings_project_id ON consultant_earnings (project_id);
CREATE INDEX ix_consultant_projects_consultant_id ON consultant_projects (consultant_id);
CREATE INDEX ix_consultant_reviews_consultant_id ON consultant_reviews (consultant_id);
CREATE INDEX ix_consultant_reviews_project_id ON consultant_reviews (project_id);
CREATE UNIQUE INDEX ix_consultants_email ON consultants (email);
CREATE INDEX ix_consultants_industry ON consultants (industry);
CREATE UNIQUE INDEX ix_consultants_linkedin_id ON consultants (linkedin_id);
CREATE UNIQUE INDEX ix_consultants_linkedin_url ON consultants (linkedin_url);
CREATE INDEX ix_consultation_bookings_consultant_id ON consultation_bookings (consultant_id);
CREATE INDEX ix_consultation_bookings_consultation_date ON consultation_bookings (consultation_date);
CREATE INDEX ix_consultation_bookings_created_at ON consultation_bookings (created_at);
CREATE INDEX ix_consultation_bookings_email ON consultation_bookings (email);
CREATE INDEX ix_consultation_bookings_id ON consultation_bookings (id);
CREATE INDEX ix_job_applications_application_language ON job_applications (application_language);
CREATE INDEX ix_job_applications_created_at ON job_applications (created_at);
CREATE INDEX ix_job_applications_id ON job_applications (id);
CREATE INDEX ix_job_applications_position_department ON job_applications (position_department);
CREATE INDEX ix_job_applications_position_title ON job_applications (position_title);
CREATE INDEX ix_job_applications_status ON job_applications (status);
