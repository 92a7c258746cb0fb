package ispmanager

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Numbers of errors that are looked for by themselves,
// https://mariadb.com/kb/en/mariadb-error-codes/.
const (
	unknownVariable = 1193
	noSuchTable     = 1146
	noSuchColumn    = 1054
)

// codeOf returns the number of a server's error; zero: it is none.
func codeOf(err error) uint16 {
	var refusal *mysql.MySQLError
	if errors.As(err, &refusal) {
		return refusal.Number
	}
	return 0
}

// reasonOfCode maps the errors of MySQL and MariaDB.
func reasonOfCode(code uint16) Reason {
	switch code {
	case 1045, 1698, // access denied for the user
		1129, 1130, // the host is blocked, or not allowed
		1275, 1820, 1862, 3118, 4151: // the password has an old form, has expired; the account is locked
		return Login
	case 1044, 1142, 1143, 1227, 1370: // to the database, a table, a column, without a privilege, a routine
		return Permission
	case 1049:
		return Unknown
	case 1040, 1203, 1226: // too many connections: of all, of this user, in an hour
		return Full
	case 1205, 1213: // waited too long for a lock, deadlock
		return Locked
	case 1969, 3024: // MariaDB, MySQL: the time limit
		return Timeout
	case noSuchColumn, noSuchTable, 1356, 1412: // an invalid view; changed while being read
		return Shape
	case 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927: // shutting down, aborted, killed
		return Unreachable
	case 1034, 1035, 1194, 1195, 1712, 1932: // a crashed table
		return Malformed
	case 3159: // only over TLS
		return Encryption
	}
	return IO
}

// lost reports whether the connection is gone, or the tables are others than
// those that were found.
func (d *mysqlDatabase) lost(err error) bool {
	if d.session == nil || d.conn == nil { // there was no connection
		return false
	}
	switch codeOf(err) {
	case 1053, 1317, 1927, 1412, noSuchColumn, noSuchTable:
		return true
	}
	return broken(err)
}

// broken reports whether the connection broke.
func broken(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func (d *mysqlDatabase) explain(err error) *Error {
	where := d.server.String()
	var known *Error
	if errors.As(err, &known) {
		known.Path = where
		return known
	}
	e := &Error{Reason: IO, Path: where, Detail: err.Error(), Err: err}
	var dial *net.OpError
	switch {
	case codeOf(err) != 0:
		e.Reason = reasonOfCode(codeOf(err))
	case isEncryption(err):
		e.Reason = Encryption
	case errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrCleartextPassword),
		errors.Is(err, mysql.ErrNativePassword), errors.Is(err, mysql.ErrUnknownPlugin):
		e.Reason = Login
	case errors.As(err, &dial) && errors.Is(err, os.ErrPermission):
		e.Reason = Permission // of the socket
	case errors.As(err, &dial), broken(err):
		e.Reason = Unreachable
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason = Timeout
	}
	return e
}

// isEncryption reports whether TLS failed.
func isEncryption(err error) bool {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	return errors.Is(err, mysql.ErrNoTLS) || errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &header) ||
		errors.As(err, &alert) || strings.Contains(err.Error(), "tls: ")
}
