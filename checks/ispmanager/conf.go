package ispmanager

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"domovoy/checks/ispmanager/location"
)

const (
	confLimit  = 1 << 16         // bytes of db.conf that are read
	schemaName = "ispmgr"        // of a database that db.conf does not name
	sqliteName = "ispmgr.db"     // of the SQLite file
	confFolder = "ispmgr.conf.d" // the folder of db.conf, beside the SQLite file
)

// secret is a password; fmt prints the address of its text at most.
type secret struct{ text *string }

func newSecret(text string) secret { return secret{&text} }

func (s secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// readConf reads the panel's db.conf: lines of a key and a value, of which
// DBHost, DBName, DBUser and DBPassword are known from real panels. On a panel
// with SQLite the file is empty; older panels may have none.
func readConf(path string) (location.Location, secret, *Error) {
	text, failure := confText(path)
	if failure != nil {
		return location.Location{}, secret{}, failure
	}
	values := confValues(text)
	host, name := values["dbhost"], values["dbname"]
	if host == "" && name == "" {
		return location.Location{Path: besideConf(path)}, secret{}, nil
	}
	s := location.Server{User: values["dbuser"], Name: name}
	if s.Name == "" {
		s.Name = schemaName
	}
	s.Host, s.Port = host, 0
	if h, p, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil {
			s.Host, s.Port = h, uint16(n)
		}
	}
	switch {
	case strings.HasPrefix(host, "/"):
		s.Host, s.Socket = "", host
	case host == "":
		s.Host = "localhost"
	}
	if s.User == "" {
		return location.Location{}, secret{}, &Error{Reason: Conf, Path: path, Detail: "it has no DBUser"}
	}
	return location.Location{Server: s}, newSecret(values["dbpassword"]), nil
}

// confText returns the file's text; empty if there is no such file.
func confText(path string) (string, *Error) {
	info, failure := stat(path)
	if failure == nil {
		var file *os.File
		file, err := os.Open(path)
		if err == nil {
			defer func() { _ = file.Close() }()
			var text []byte
			if text, err = io.ReadAll(io.LimitReader(file, confLimit+1)); err == nil && len(text) <= confLimit {
				return string(text), nil
			}
		}
		failure = &Error{Reason: Conf, Detail: "it is larger than any db.conf: " + strconv.FormatInt(info.Size(), 10) + " bytes", Err: err}
		if err != nil {
			failure.Detail = err.Error()
		}
	}
	switch {
	case failure.Reason == Gone:
		return "", nil
	case errors.Is(failure.Err, fs.ErrPermission):
		failure.Reason = ConfDenied
	default:
		failure.Reason = Conf
	}
	failure.Path = path
	return "", failure
}

// confValues returns the values by their keys in lower case. A value is what
// follows the key and a blank or an equals sign, to the end of the line: a
// password may contain either.
func confValues(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := strings.IndexAny(line, " \t=")
		if at <= 0 || line[0] == '#' {
			continue
		}
		key, value := line[:at], strings.TrimLeft(line[at:], " \t")
		if line[at] == '=' || strings.HasPrefix(value, "= ") {
			value = strings.TrimLeft(value[1:], " \t")
		}
		values[strings.ToLower(key)] = value
	}
	return values
}

// besideConf returns the path of the SQLite file that belongs to a db.conf: in
// its folder, or beside the folder that a panel keeps it in.
func besideConf(path string) string {
	folder := filepath.Dir(path)
	beside := filepath.Join(folder, sqliteName)
	if _, failure := stat(beside); failure == nil || filepath.Base(folder) != confFolder {
		return beside
	}
	return filepath.Join(filepath.Dir(folder), sqliteName)
}

// Locate says which database a db.conf names; for location.Auto in a configuration.
// The error is an *Error.
func Locate(conf string) (location.Location, error) {
	at, _, failure := readConf(conf)
	if failure != nil {
		return location.Location{}, failure
	}
	return at, nil
}
