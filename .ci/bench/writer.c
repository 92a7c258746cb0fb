/* The panel's writer: one commit every few milliseconds, as the panel makes
 * them while it issues many certificates at once. Rollback journal, SQLite's
 * default synchronous, a busy timeout of one second.
 *
 *   writer DATABASE SECONDS PERIOD_MS
 *
 * Prints one line of JSON; times are milliseconds. */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void sleep_until(double ms) {
	struct timespec t = {(time_t)(ms / 1e3), 0};
	t.tv_nsec = (long)((ms - t.tv_sec * 1e3) * 1e6);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
	}
}

static int by_size(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void die(sqlite3 *db, const char *doing) {
	fprintf(stderr, "writer: %s: %s\n", doing, sqlite3_errmsg(db));
	exit(1);
}

static int done(sqlite3_stmt *s) {
	int rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		die(db, sql);
	return s;
}

int main(int argc, char **argv) {
	if (argc != 4) {
		fprintf(stderr, "usage: writer DATABASE SECONDS PERIOD_MS\n");
		return 2;
	}
	double seconds = atof(argv[2]), period = atof(argv[3]);
	sqlite3 *db;
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		die(db, "opening");
	sqlite3_busy_timeout(db, 1000);
	if (sqlite3_exec(db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK)
		die(db, "journal mode");
	sqlite3_stmt *count = prepare(db, "SELECT count(*) FROM letsencrypt_ssl");
	if (sqlite3_step(count) != SQLITE_ROW)
		die(db, "counting");
	int rows = sqlite3_column_int(count, 0);
	sqlite3_finalize(count);

	sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT"), *rollback = prepare(db, "ROLLBACK");
	/* A certificate begins, and with the next commit ends. One of ten fails. */
	sqlite3_stmt *log = prepare(db,
		"INSERT INTO letsencrypt_log (certname, status, date, message) "
		"SELECT certname, iif(?2 AND id % 10 = 3, 'failed', iif(?2, 'ok', 'processing')), datetime('now'), "
		"iif(?2 AND id % 10 = 3, 'urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://' || domain_name "
		"|| '/.well-known/acme-challenge/' || hex(randomblob(16)) || ': 404', 'order for ' || domain_name || ' ' || hex(randomblob(32))) "
		"FROM letsencrypt_ssl WHERE id = ?1");
	sqlite3_stmt *ssl = prepare(db,
		"UPDATE letsencrypt_ssl SET processing = iif(?2, 'off', 'on'), time_started = datetime('now') WHERE id = ?1");

	size_t most = (size_t)(seconds * 1e3 / period) + 16, n = 0, failed = 0;
	double *took = malloc(most * sizeof *took);
	double start = now_ms(), due = start, end = start + seconds * 1e3;
	for (long turn = 0; now_ms() < end && n + failed < most; turn++) {
		int id = (int)((turn / 2) % rows) + 1, ends = turn % 2;
		sqlite3_bind_int(log, 1, id), sqlite3_bind_int(log, 2, ends);
		sqlite3_bind_int(ssl, 1, id), sqlite3_bind_int(ssl, 2, ends);
		double begun = now_ms();
		int rc = done(begin);
		if (rc == SQLITE_OK && (rc = done(log)) == SQLITE_OK && (rc = done(ssl)) == SQLITE_OK)
			rc = done(commit);
		if (rc == SQLITE_OK) {
			took[n++] = now_ms() - begun;
		} else if ((rc & 0xff) == SQLITE_BUSY) {
			failed++;
			if (!sqlite3_get_autocommit(db))
				done(rollback);
		} else {
			die(db, "committing");
		}
		/* A commit that came late is not made up for. */
		due = due + period > now_ms() ? due + period : now_ms();
		sleep_until(due);
	}
	qsort(took, n, sizeof *took, by_size);
	if (n == 0)
		took[n++] = 0;
	printf("{\"commits\":%zu,\"failed\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n", n, failed, took[n / 2], took[n * 99 / 100], took[n - 1]);
	return 0;
}
