package ispmanager

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"domovoy/checks/ispmanager/location"
)

const (
	connectTimeout = 5 * time.Second
	mysqlPort      = 3306
	lockTimeout    = 1 // second that a statement waits for a table that is being altered or is locked
)

// mysqlDatabase is a panel's database in MySQL or MariaDB.
//
// It is read on one connection whose transactions are read-only. Each batch is a
// transaction of its own, so that no snapshot lives longer than one, and has a
// time limit that the server itself keeps.
type mysqlDatabase struct {
	server   location.Server
	password secret
	limit    time.Duration // of a statement
	*session               // nil: not connected
}

// session is an open connection.
type session struct {
	db     *sql.DB
	conn   *sql.Conn
	schema string             // name of the database
	shape  string             // the columns when the tables were looked up
	found  tables             // as they were looked up then
	real   [tableCount]string // the tables' names in the letter case of the server
	worked time.Duration      // reading time since the last pause
}

func (d *mysqlDatabase) tables() *tables { return &d.found }

// open connects, and finds the tables.
func (d *mysqlDatabase) open(ctx context.Context) error {
	if d.session != nil {
		return nil
	}
	cfg, err := d.config()
	if err != nil {
		return err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	s := &session{db: sql.OpenDB(connector), schema: d.server.Name}
	d.session = s
	s.db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(ctx, d.limit+connectTimeout)
	defer cancel()
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx, d.limit); err != nil {
		return err
	}
	return s.learn(ctx)
}

// config is how to connect.
func (d *mysqlDatabase) config() (*mysql.Config, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = d.server.User, d.password.reveal(), d.server.Name
	cfg.Net, cfg.Addr = endpoint(d.server)
	cfg.Timeout, cfg.WriteTimeout = connectTimeout, connectTimeout
	cfg.ReadTimeout = 2 * d.limit // the server ends a statement before
	cfg.Logger = &mysql.NopLogger{}
	cfg.InterpolateParams = true // one round trip a statement, and values come as text
	cfg.ConnectionAttributes = "program_name:domovoy"
	// The server converts the text of columns in other character sets.
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return cfg, d.encrypt(cfg)
}

// encrypt sets TLS.
func (d *mysqlDatabase) encrypt(cfg *mysql.Config) error {
	mode := d.server.TLS
	if mode == "" {
		mode = location.TLSPreferred
		if cfg.Net == "unix" || isLoopback(cfg.Addr) {
			mode = location.TLSOff
		}
	}
	switch mode {
	case location.TLSOff:
	case location.TLSPreferred, location.TLSRequired:
		cfg.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // any certificate is what was asked for
		cfg.AllowFallbackToPlaintext = mode == location.TLSPreferred
	case location.TLSVerify:
		cfg.TLS = &tls.Config{ServerName: d.server.Host}
		if d.server.CA == "" {
			break
		}
		pem, err := os.ReadFile(d.server.CA)
		if err != nil {
			return &Error{Reason: Encryption, Detail: err.Error(), Err: err}
		}
		cfg.TLS.RootCAs = x509.NewCertPool()
		if !cfg.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return &Error{Reason: Encryption, Detail: d.server.CA + " has no certificate"}
		}
	}
	return nil
}

// endpoint returns where to connect. As for MySQL's own programs, localhost
// without a port means the server's socket, if it has one in a usual place.
func endpoint(s location.Server) (network, address string) {
	switch {
	case s.Socket != "":
		return "unix", s.Socket
	case s.Host == "localhost" && s.Port == 0:
		for _, path := range []string{"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"} {
			if info, err := os.Stat(path); err == nil && info.Mode().Type() == os.ModeSocket {
				return "unix", path
			}
		}
	}
	port := s.Port
	if port == 0 {
		port = mysqlPort
	}
	return "tcp", net.JoinHostPort(s.Host, strconv.Itoa(int(port)))
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// prepare makes the session read-only and its results independent of the
// server's settings. Columns of type TIMESTAMP are converted to the session's
// zone, so that one is UTC; those of type DATETIME have none.
func (s *session) prepare(ctx context.Context, limit time.Duration) error {
	for _, statement := range []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
		fmt.Sprintf("SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = %d", lockTimeout),
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("preparing the session: %w", err)
		}
	}
	for _, variable := range []string{
		fmt.Sprintf("max_statement_time = %g", limit.Seconds()),      // MariaDB
		fmt.Sprintf("max_execution_time = %d", limit.Milliseconds()), // MySQL
		"information_schema_stats_expiry = 0",                        // MySQL 8 would show a time of writing that is a day old
	} {
		_, err := s.conn.ExecContext(ctx, "SET SESSION "+variable)
		if err != nil && codeOf(err) != unknownVariable {
			return fmt.Errorf("preparing the session: %w", err)
		}
	}
	return nil
}

// each runs a statement and passes its rows on; a value is nil for NULL, and
// valid until the next row.
func (s *session) each(ctx context.Context, query string, args []any, row func([]sql.RawBytes) error) error {
	begun := time.Now()
	defer func() { s.worked += time.Since(begun) }()
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// number runs a statement that returns one number.
func (s *session) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.each(ctx, query, args, func(row []sql.RawBytes) error {
		n = number(string(row[0]))
		return nil
	})
	return n, err
}

// pause returns how long to let the panel's writer in. InnoDB's readers do not
// block writers, but both need the processor, and one batch after the other
// would leave a commit none on a small host.
func (s *session) pause() time.Duration {
	if s.worked < breath {
		return 0
	}
	s.worked = 0
	return breath
}

// writes is not known: the server counts none by database.
func (s *session) writes(context.Context) int64 { return 0 }

func (d *mysqlDatabase) done() {}

// close closes the connection if it is open.
func (d *mysqlDatabase) close() error {
	s := d.session
	if d.session = nil; s == nil {
		return nil
	}
	if s.conn != nil {
		_ = s.conn.Close() // of a connection that may be broken
	}
	return s.db.Close()
}

// quoted returns a name from the schema for use in a statement.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
