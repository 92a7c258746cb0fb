package location_test

import (
	"errors"
	"strings"
	"testing"

	"domovoy/checks/ispmanager/location"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]location.Location{
		"auto":                                    {Auto: true},
		"/usr/local/mgr5/etc/../etc/ispmgr.db":    {Path: "/usr/local/mgr5/etc/ispmgr.db"},
		"mysql://domovoy@127.0.0.1:3307/ispmgr":   {Server: location.Server{User: "domovoy", Host: "127.0.0.1", Port: 3307, Name: "ispmgr"}},
		"mysql://domovoy@[2001:db8::1]:3306/i":    {Server: location.Server{User: "domovoy", Host: "2001:db8::1", Port: 3306, Name: "i"}},
		"mysql://d@db.example/i?tls=required":     {Server: location.Server{User: "d", Host: "db.example", Name: "i", TLS: location.TLSRequired}},
		"mysql://d@db.example/i?ca=/etc/ca.pem":   {Server: location.Server{User: "d", Host: "db.example", Name: "i", TLS: location.TLSVerify, CA: "/etc/ca.pem"}},
		"mysql://d@/i?socket=/run/mysqld/my.sock": {Server: location.Server{User: "d", Socket: "/run/mysqld/my.sock", Name: "i"}},
		"mysql://d%40x@localhost/i":               {Server: location.Server{User: "d@x", Host: "localhost", Name: "i"}},
	} {
		got, err := location.Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
			continue
		}
		again, err := location.Parse(got.String())
		again.Server.TLS, again.Server.CA, want.Server.TLS, want.Server.CA = "", "", "", ""
		if err != nil || again != want {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]location.Fault{
		"":                                {Kind: "form"},
		"ispmgr.db":                       {Kind: "form"},
		"Auto":                            {Kind: "form"},
		"postgres://d@h/i":                {Kind: "form"},
		"mysql://d@h:0/i":                 {Kind: "form"},
		"mysql://d@h:99999/i":             {Kind: "form"},
		"mysql://d@h:x/i":                 {Kind: "form"},
		"mysql://d@h/i/j":                 {Kind: "form"},
		"mysql://d@h/i?socket=/s":         {Kind: "form"},
		"mysql://d:hunter2@h/i":           {Kind: "password"},
		"mysql://h/i":                     {Kind: "part", Part: "user"},
		"mysql://d@h/":                    {Kind: "part", Part: "name"},
		"mysql://d@/i":                    {Kind: "part", Part: "host"},
		"mysql://d@h/i?tls=yes":           {Kind: "option", Part: "tls"},
		"mysql://d@/i?socket=s":           {Kind: "option", Part: "socket"},
		"mysql://d@h/i?password=hunter2":  {Kind: "option", Part: "password"},
		"mysql://d@h/i?ca=/c&tls=off":     {Kind: "option", Part: "ca"},
		"mysql://d@h/i?tls=off&tls=off":   {Kind: "option", Part: "tls"},
		"mysql://d@h/i?ca=/etc/ca.pem&x=": {Kind: "option", Part: "x"},
	} {
		_, err := location.Parse(text)
		var fault *location.Fault
		if !errors.As(err, &fault) || *fault != want {
			t.Errorf("%s: %v, want %v", text, err, &want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password shows in %q", text, err)
		}
	}
}
