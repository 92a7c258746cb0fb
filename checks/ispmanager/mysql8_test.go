package ispmanager_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the protocol's
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// mysql8 stands before a MariaDB and speaks as MySQL 8 does where the two
// differ on the wire: its greeting, passwords by caching_sha2_password (in full
// at first, by the cache afterwards), and the variables that it does not know. The
// full password comes encrypted with the server's key, or, where the connection
// cannot be overheard (a socket, TLS), as it is.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
type mysql8 struct {
	server   *lab.MariaDB
	key      *rsa.PrivateKey
	password string
	identity *tls.Certificate // nil: it cannot do TLS

	mu     sync.Mutex
	cached bool     // guarded by mu
	ways   []string // how clients were let in: full (by the key), plain, cache; guarded by mu
	set    []string // statements that MariaDB would refuse, or MySQL does; guarded by mu
}

// listen serves connections until the test ends: on a socket, or on a free port.
func (m *mysql8) listen(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = m.serve(conn) // the client tells what it missed
			}()
		}
	}()
	return l.Addr().String()
}

// packet reads one packet of the protocol.
func packet(r io.Reader) (payload []byte, sequence byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	payload = make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err = io.ReadFull(r, payload)
	return payload, head[3], err
}

func send(w io.Writer, sequence byte, payload []byte) error {
	n := len(payload)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, payload...))
	return err
}

const (
	withDatabase, withTLS, withCompression = 0x8, 0x800, 0x20
	withPlugin, withAttributes, withLength = 0x80000, 0x100000, 0x200000
)

func (m *mysql8) serve(client net.Conn) error {
	secure := client.LocalAddr().Network() == "unix"
	behind, err := net.Dial("unix", m.server.Socket())
	if err != nil {
		return err
	}
	defer behind.Close()
	greeting, _, err := packet(behind)
	if err != nil {
		return err
	}
	nonce := []byte(strings.ToUpper(rand.Text())[:20])
	at := bytes.IndexByte(greeting[1:], 0) + 2 // the connection's number
	low, high := binary.LittleEndian.Uint16(greeting[at+13:]), binary.LittleEndian.Uint16(greeting[at+18:])
	capabilities := (uint32(high)<<16|uint32(low))&^(withTLS|withCompression) | 1
	if m.identity != nil {
		capabilities |= withTLS
	}
	hello := append([]byte("\x0a8.0.36\x00"), greeting[at:at+4]...)
	hello = append(append(hello, nonce[:8]...), 0, byte(capabilities), byte(capabilities>>8), 255, 2, 0, byte(capabilities>>16), byte(capabilities>>24), 21)
	hello = append(append(append(hello, make([]byte, 10)...), nonce[8:]...), 0)
	if err := send(client, 0, append(hello, "caching_sha2_password\x00"...)); err != nil {
		return err
	}
	answer, sequence, err := packet(client)
	if err != nil {
		return err
	}
	if len(answer) == 32 { // a request for TLS ends where the user's name would follow
		client, secure = tls.Server(client, &tls.Config{Certificates: []tls.Certificate{*m.identity}}), true
		if answer, sequence, err = packet(client); err != nil {
			return err
		}
	}
	if sequence, err = m.authenticate(client, answer, sequence, nonce, secure); err != nil {
		_ = send(client, sequence+1, append([]byte{0xff, 0x15, 0x04}, "#28000Access denied"...))
		return err
	}
	ok, err := login(behind, answer)
	if err != nil {
		return err
	}
	if err := send(client, sequence+1, ok); err != nil {
		return err
	}
	go func() { _, _ = io.Copy(client, behind) }()
	return m.relay(client, behind, ok)
}

// fields are the parts of the client's answer to a greeting that matter.
func fields(answer []byte) (flags uint32, scramble []byte, database string) {
	flags = binary.LittleEndian.Uint32(answer)
	_, rest, _ := bytes.Cut(answer[32:], []byte{0})
	n := int(rest[0])
	scramble, rest = rest[1:1+n], rest[1+n:]
	if flags&withDatabase != 0 {
		name, _, _ := bytes.Cut(rest, []byte{0})
		database = string(name)
	}
	return flags, scramble, database
}

// authenticate checks the password as MySQL 8 does.
func (m *mysql8) authenticate(client net.Conn, answer []byte, sequence byte, nonce []byte, secure bool) (byte, error) {
	_, scramble, _ := fields(answer)
	m.mu.Lock()
	defer m.mu.Unlock()
	once := sha256.Sum256([]byte(m.password))
	twice := sha256.Sum256(once[:])
	salted := sha256.Sum256(append(twice[:], nonce...))
	for i := range once {
		once[i] ^= salted[i]
	}
	if m.cached && bytes.Equal(scramble, once[:]) {
		m.ways = append(m.ways, "cache")
		return sequence + 1, send(client, sequence+1, []byte{1, 3})
	}
	if err := send(client, sequence+1, []byte{1, 4}); err != nil {
		return sequence, err
	}
	if secure {
		plain, sequence, err := packet(client)
		if err != nil || string(plain) != m.password+"\x00" {
			return sequence, errors.Join(err, errors.New("a wrong password"))
		}
		m.cached, m.ways = true, append(m.ways, "plain")
		return sequence, nil
	}
	if asked, _, err := packet(client); err != nil || !bytes.Equal(asked, []byte{2}) {
		return sequence + 2, errors.Join(err, errors.New("the key was not asked for"))
	}
	public, err := x509.MarshalPKIXPublicKey(m.key.Public())
	if err != nil {
		return sequence, err
	}
	if err := send(client, sequence+3, append([]byte{1}, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})...)); err != nil {
		return sequence, err
	}
	secret, sequence, err := packet(client)
	if err != nil {
		return sequence, err
	}
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, m.key, secret, nil)
	for i := range plain {
		plain[i] ^= nonce[i%len(nonce)]
	}
	if err != nil || string(plain) != m.password+"\x00" {
		return sequence, errors.Join(err, errors.New("a wrong password"))
	}
	m.cached, m.ways = true, append(m.ways, "full")
	return sequence, nil
}

// login connects to the MariaDB as a user without a password, with the client's
// flags, and returns its OK.
func login(behind net.Conn, answer []byte) ([]byte, error) {
	flags, _, database := fields(answer)
	flags &^= withAttributes | withLength | withTLS
	var reply []byte
	reply = binary.LittleEndian.AppendUint32(reply, flags)
	reply = append(append(reply, answer[4:32]...), "mysql8\x00\x00"...)
	if flags&withDatabase != 0 {
		reply = append(append(reply, database...), 0)
	}
	if flags&withPlugin != 0 {
		reply = append(reply, "mysql_native_password\x00"...)
	}
	if err := send(behind, 1, reply); err != nil {
		return nil, err
	}
	ok, _, err := packet(behind)
	if err == nil && ok[0] != 0 {
		err = fmt.Errorf("MariaDB answers %q", ok)
	}
	return ok, err
}

// relay passes commands on, but for those that only one of the two knows.
func (m *mysql8) relay(client, behind net.Conn, ok []byte) error {
	for {
		command, sequence, err := packet(client)
		if err != nil {
			return err
		}
		text := string(command)
		known := strings.Contains(text, "max_execution_time") || strings.Contains(text, "information_schema_stats_expiry")
		unknown := strings.Contains(text, "max_statement_time")
		switch {
		case unknown:
			err = send(client, 1, append([]byte{0xff, 0xa9, 0x04}, "#HY000Unknown system variable 'max_statement_time'"...))
		case known:
			err = send(client, 1, ok)
		default:
			err = send(behind, sequence, command)
		}
		if err != nil {
			return err
		}
		if known || unknown {
			m.mu.Lock()
			m.set = append(m.set, strings.Fields(text)[2])
			m.mu.Unlock()
		}
	}
}

// A panel in a server that speaks as MySQL 8 is read on each way to it. The password
// is never sent as it is where somebody could overhear it, and a wrong one is
// refused.
func TestWhatMySQL8DoesOtherwiseOnTheWire(t *testing.T) {
	panel, _ := mysqlPanel(t)
	furnish(t, panel)
	server := mariaDB(t)
	must(t, server.Exec("", "CREATE OR REPLACE USER mysql8@localhost IDENTIFIED BY ''", "GRANT SELECT ON "+panel.Path()+".* TO mysql8@localhost"))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	identity, ca := selfSigned(t, key)
	for way, c := range map[string]struct {
		network, options string
		tls              bool
		first            string
	}{
		"TCP":                            {"tcp", "", false, "full"},
		"TCP, TLS is off":                {"tcp", "?tls=off", true, "full"},
		"a server without TLS":           {"tcp", "?tls=preferred", false, "full"},
		"TLS":                            {"tcp", "?tls=required", true, "plain"},
		"TLS if the server can":          {"tcp", "?tls=preferred", true, "plain"},
		"TLS with a certificate checked": {"tcp", "?ca=" + ca, true, "plain"},
		"a socket":                       {"unix", "", false, "plain"},
	} {
		t.Run(way, func(t *testing.T) {
			m := &mysql8{server: server, key: key, password: "hunter7"}
			if c.tls {
				m.identity = identity
			}
			location := "mysql://domovoy@"
			if c.network == "unix" {
				location += "/" + panel.Path() + "?socket=" + m.listen(t, "unix", filepath.Join(socketFolder(t), "s"))
			} else {
				location += m.listen(t, "tcp", "127.0.0.1:0") + "/" + panel.Path() + c.options
			}
			as := func(password string) *ispmanager.Panel {
				r := ispmanager.New(ispmanager.Config{Name: "isp1", Zone: panel.Zone(), Password: func() string { return password }, Database: location})
				t.Cleanup(func() { must(t, r.Close()) })
				return r
			}
			for _, want := range []string{c.first, "cache"} {
				r := as(m.password)
				compare(t, read(t, r), furnished())
				if len(attempts(t, r, 0)) != 1 {
					t.Error("no attempts")
				}
				m.mu.Lock()
				if got := m.ways[len(m.ways)-1]; got != want {
					t.Errorf("let in by %s, want %s", got, want)
				}
				m.mu.Unlock()
			}
			if got := strings.Join(m.set, " "); !strings.Contains(got, "max_statement_time max_execution_time information_schema_stats_expiry") {
				t.Errorf("set: %s", got)
			}
			wantReason(t, as("hunter8"), ispmanager.Login)
		})
	}
	t.Run("a server that only takes TLS", func(t *testing.T) {
		m := &mysql8{server: server, key: key, password: "hunter7"} // which has none
		r := ispmanager.New(ispmanager.Config{Name: "isp1", Password: func() string { return m.password },
			Database: "mysql://domovoy@" + m.listen(t, "tcp", "127.0.0.1:0") + "/" + panel.Path() + "?tls=required"})
		t.Cleanup(func() { must(t, r.Close()) })
		wantReason(t, r, ispmanager.Encryption)
		if len(m.ways) > 0 {
			t.Errorf("let in by %s", m.ways)
		}
	})
}

// What MySQL 8 has by default and MariaDB has not, as far as MariaDB can be made
// the same: its sql_mode, quotes as in ANSI, a collation of the Unicode algorithm
// without padding in every table (as utf8mb4_0900_ai_ci is), and keys that the
// server made up because it demands some (sql_require_primary_key with
// sql_generate_invisible_primary_key).
func TestWhatMySQL8HasByDefault(t *testing.T) {
	panel, r := mysqlPanel(t)
	furnish(t, panel)
	read(t, r)
	statements := []string{
		"SET GLOBAL sql_mode = 'ANSI_QUOTES,ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"SET GLOBAL collation_connection = utf8mb4_uca1400_nopad_as_cs",
		"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_ai_ci",
	}
	for _, table := range []string{"users", "webdomain", "webdomain_alias", "webdomain_ipaddr", "ipaddr", "letsencrypt_ssl", "letsencrypt_log"} {
		statements = append(statements, "ALTER TABLE "+table+" CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_ai_ci")
	}
	for _, table := range []string{"webdomain_alias", "webdomain_ipaddr"} {
		statements = append(statements, "ALTER TABLE "+table+" DROP COLUMN id", "ALTER TABLE "+table+" ADD COLUMN my_row_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY INVISIBLE FIRST")
	}
	for _, statement := range statements {
		must(t, panel.Exec(statement))
	}
	defer panel.Exec("SET GLOBAL sql_mode = DEFAULT, GLOBAL collation_connection = DEFAULT")
	for _, r := range []*ispmanager.Panel{r, backend{server: mariaDB(t)}.reader(t, panel)} {
		compare(t, read(t, r), furnished())
		if len(attempts(t, r, 0)) != 1 {
			t.Error("no attempts")
		}
	}
}

// selfSigned is a certificate for 127.0.0.1, and the path of its PEM file.
func selfSigned(t *testing.T, key *rsa.PrivateKey) (*tls.Certificate, string) {
	t.Helper()
	template := x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	must(t, err)
	path := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

// socketFolder is a folder with a short path, as a socket's has to be.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "mysql8")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}
