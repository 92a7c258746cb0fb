// Package location reads where a panel's database is, as the configuration says
// it.
package location

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// Auto is the text that leaves the choice to the panel's db.conf.
const Auto = "auto"

// Scheme is how the text of a database in a server begins.
const Scheme = "mysql://"

// TLS says whether a connection to a server is encrypted.
type TLS string

// The forms of TLS, with the meaning that MySQL's own programs give them
// (--ssl-mode).
const (
	TLSOff       TLS = "off"
	TLSPreferred TLS = "preferred" // if the server can; any certificate
	TLSRequired  TLS = "required"  // any certificate
	TLSVerify    TLS = "verify"    // a certificate for the host, by a known CA
)

// Location is where a database is. It contains no password.
type Location struct {
	Auto   bool
	Path   string // of a SQLite file; absolute
	Server Server // Server.Name is empty for the other kinds
}

// Server is a database in MySQL or MariaDB.
type Server struct {
	User   string
	Host   string // a name or an address; empty with a socket
	Port   uint16 // 0: not given
	Socket string // absolute path; empty: TCP, or a local server's usual socket
	Name   string // of the database
	TLS    TLS    // empty: preferred, and off for a server on this host
	CA     string // PEM file of the CA to verify by; empty: the system's
}

// Fault is why a text is no location. It does not contain the text, which may
// have a password.
type Fault struct {
	Kind string // form | password | part | option
	Part string // what is missing (user | host | name) or wrong (an option)
}

// Error returns the kind and the part.
func (f *Fault) Error() string { return strings.TrimSpace("database: " + f.Kind + " " + f.Part) }

// Parse takes auto, an absolute path, mysql://USER@HOST:PORT/NAME or
// mysql://USER@/NAME?socket=PATH; with ?tls=off|preferred|required|verify and
// &ca=PATH. The error is a *Fault.
func Parse(text string) (Location, error) {
	switch {
	case text == Auto:
		return Location{Auto: true}, nil
	case filepath.IsAbs(text) && !strings.ContainsAny(text, "\n\x00"):
		return Location{Path: filepath.Clean(text)}, nil
	case !strings.HasPrefix(text, Scheme):
		return Location{}, &Fault{Kind: "form"}
	}
	u, err := url.Parse(text)
	if err != nil {
		return Location{}, &Fault{Kind: "form"}
	}
	s := Server{User: u.User.Username(), Host: u.Hostname(), Name: strings.TrimPrefix(u.Path, "/")}
	if _, given := u.User.Password(); given {
		return Location{}, &Fault{Kind: "password"}
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Location{}, &Fault{Kind: "form"}
		}
		s.Port = uint16(n)
	}
	if fault := s.options(u); fault != nil {
		return Location{}, fault
	}
	for _, part := range []struct{ name, value string }{{"user", s.User}, {"name", s.Name}, {"host", s.Host + s.Socket}} {
		if part.value == "" {
			return Location{}, &Fault{Kind: "part", Part: part.name}
		}
	}
	if strings.Contains(s.Name, "/") || u.Fragment != "" || s.Socket != "" && u.Host != "" {
		return Location{}, &Fault{Kind: "form"}
	}
	return Location{Server: s}, nil
}

// options takes what follows the question mark.
func (s *Server) options(u *url.URL) *Fault {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return &Fault{Kind: "form"}
	}
	for name, values := range query {
		value, fault := values[0], &Fault{Kind: "option", Part: name}
		if len(values) > 1 {
			return fault
		}
		switch name {
		case "socket":
			s.Socket = value
		case "ca":
			s.CA = value
		case "tls":
			s.TLS = TLS(value)
		default:
			return fault
		}
		if name != "tls" && !filepath.IsAbs(value) {
			return fault
		}
	}
	if s.CA != "" && s.TLS == "" {
		s.TLS = TLSVerify
	}
	switch s.TLS {
	case "", TLSOff, TLSPreferred, TLSRequired, TLSVerify:
	default:
		return &Fault{Kind: "option", Part: "tls"}
	}
	if s.CA != "" && s.TLS != TLSVerify {
		return &Fault{Kind: "option", Part: "ca"}
	}
	return nil
}

// String returns the location in the form that Parse takes, without options
// that say only how to connect.
func (l Location) String() string {
	switch {
	case l.Auto:
		return Auto
	case l.Path != "":
		return l.Path
	}
	return l.Server.String()
}

// String returns mysql://USER@HOST:PORT/NAME or mysql://USER@/NAME?socket=PATH.
func (s Server) String() string {
	u := url.URL{Scheme: "mysql", User: url.User(s.User), Host: s.Host, Path: "/" + s.Name}
	switch {
	case s.Socket != "":
		return fmt.Sprintf("mysql://%s@/%s?socket=%s", u.User, url.PathEscape(s.Name), s.Socket)
	case s.Port != 0:
		u.Host = net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	case strings.Contains(s.Host, ":"):
		u.Host = "[" + s.Host + "]"
	}
	return u.String()
}
