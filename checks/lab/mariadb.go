package lab

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql" // the driver "mysql"
)

// MariaDB is a database server of this process: its data are in a folder, it
// listens on a socket there and on a free port of loopback, with and without
// TLS, and it ends with this process. Its log has every statement.
type MariaDB struct {
	dir    string // of the data
	run    string // of the socket, whose path must be short
	at     string // host and port
	server *exec.Cmd
	life   io.Closer // the server ends when this is closed
}

// ErrNoMariaDB means that the server's programs are not installed.
var ErrNoMariaDB = errors.New("mariadbd and mariadb-install-db are not installed (Debian: mariadb-server)")

// User is a user of the server.
type User struct{ Name, Password string }

// Owner is a new server's user who has every right.
func Owner() User { return User{"owner", "the owner's"} }

// Reader is a new server's user who may read everything.
func Reader() User { return User{"domovoy", "hunter2 = 'secret'"} }

// NewMariaDB creates a server's data in a folder and starts it.
func NewMariaDB(dir string) (*MariaDB, error) {
	install, err1 := exec.LookPath("mariadb-install-db")
	_, err2 := mariadbd()
	if err1 != nil || err2 != nil {
		return nil, ErrNoMariaDB
	}
	run, err := os.MkdirTemp("", "maria")
	if err != nil {
		return nil, fmt.Errorf("making a server: %w", err)
	}
	m := &MariaDB{dir: filepath.Join(dir, "data"), run: run}
	if out, err := exec.Command(install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
		"--skip-name-resolve", "--user="+account(), "--datadir="+m.dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a server: %w: %s", err, out)
	}
	if err := m.makeCertificates(); err != nil {
		return nil, fmt.Errorf("making a server: %w", err)
	}
	// The port stays the same over a restart.
	if m.at, err = FreeAddress(); err != nil {
		return nil, fmt.Errorf("making a server: %w", err)
	}
	if err := m.Start(); err != nil {
		return nil, err
	}
	return m, m.makeUsers()
}

// mariadbd finds the server, which Debian keeps where only root looks.
func mariadbd() (string, error) {
	if path, err := exec.LookPath("mariadbd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/mariadbd")
}

// account is the user that the server runs as: it refuses root unless that is
// said.
func account() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return strconv.Itoa(os.Getuid())
}

// Start starts the server after Stop.
func (m *MariaDB) Start() error {
	program, err := mariadbd()
	if err != nil {
		return ErrNoMariaDB
	}
	host, port, err := net.SplitHostPort(m.at)
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	// The shell ends the server when its input ends, as it does with this
	// process, however that ends.
	m.server = exec.Command("sh", "-c", `"$@" & server=$!; read -r _; kill -9 $server; wait $server 2>/dev/null`, "sh",
		program, "--no-defaults", "--user="+account(), "--datadir="+m.dir, "--socket="+m.Socket(), "--pid-file="+filepath.Join(m.run, "pid"),
		"--bind-address="+host, "--port="+port, "--skip-name-resolve",
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2", "--performance-schema=OFF",
		"--general-log=1", "--log-output=FILE", "--general-log-file="+m.logFile(), "--max-connections=20",
		"--ssl-cert="+filepath.Join(m.run, "server.pem"), "--ssl-key="+filepath.Join(m.run, "server.key"))
	life, err := m.server.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	var said bytes.Buffer
	m.life, m.server.Stdout, m.server.Stderr = life, &said, &said
	if err := m.server.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("unix", m.Socket()); err == nil {
			return conn.Close()
		}
	}
	return fmt.Errorf("the server does not start: %w: %s", m.Stop(), said.String())
}

// Stop kills the server; what was committed is kept.
func (m *MariaDB) Stop() error {
	if m.life == nil {
		return nil
	}
	err := m.life.Close()
	_ = m.server.Wait() // killed, as it should be
	m.life = nil
	return errors.Join(err, os.RemoveAll(m.Socket()))
}

// Close stops the server and removes what is outside its folder.
func (m *MariaDB) Close() error { return errors.Join(m.Stop(), os.RemoveAll(m.run)) }

// Folder returns where the server's data are.
func (m *MariaDB) Folder() string { return m.dir }

// Socket returns the path of the server's socket.
func (m *MariaDB) Socket() string { return filepath.Join(m.run, "s") }

// Address returns the server's host and port.
func (m *MariaDB) Address() string { return m.at }

// CAFile returns the path of the certificate by which the server's own can be
// verified, for 127.0.0.1.
func (m *MariaDB) CAFile() string { return filepath.Join(m.run, "server.pem") }

func (m *MariaDB) logFile() string { return filepath.Join(m.dir, "general.log") }

// Log returns all statements that the server was given, with its remarks.
func (m *MariaDB) Log() (string, error) {
	text, err := os.ReadFile(m.logFile())
	return string(text), err
}

// Open connects as the owner, who has every right; a database may be named.
func (m *MariaDB) Open(database string) *sql.DB {
	return m.open(Owner().Name, Owner().Password, database)
}

func (m *MariaDB) open(user, password, database string) *sql.DB {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = user, password, "unix", m.Socket(), database
	cfg.ClientFoundRows = true // an update counts the rows that it found, as in SQLite
	cfg.Logger = &mysql.NopLogger{}
	cfg.InterpolateParams = true
	cfg.Params = map[string]string{
		// Dates of zeros are written as they are, || joins texts, and a series of
		// numbers may be long.
		"sql_mode": "'PIPES_AS_CONCAT,NO_AUTO_VALUE_ON_ZERO'", "max_recursive_iterations": "10000000",
	}
	_ = cfg.Apply(mysql.Charset("utf8mb4", "")) // it fails for unknown names only
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		panic(err) // the configuration is constant
	}
	return sql.OpenDB(connector)
}

// Exec runs statements as the owner, one after the other.
func (m *MariaDB) Exec(database string, statements ...string) error {
	db := m.Open(database)
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (m *MariaDB) makeUsers() error {
	db := m.open("root", "", "")
	defer db.Close()
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY %q", Owner().Name, Owner().Password),
		fmt.Sprintf("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", Owner().Name),
		fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY %q", Reader().Name, Reader().Password),
		fmt.Sprintf("GRANT SELECT ON *.* TO %s@'%%'", Reader().Name),
		"DELETE FROM mysql.global_priv WHERE User = ''",
		"FLUSH PRIVILEGES",
	} {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return fmt.Errorf("making the users: %w", err)
		}
	}
	return nil
}

// makeCertificates writes a certificate that signs itself, and its key.
func (m *MariaDB) makeCertificates() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(m.CAFile(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o644),
		os.WriteFile(filepath.Join(m.run, "server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
