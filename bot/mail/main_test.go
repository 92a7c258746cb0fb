package mail

import (
	"crypto/x509"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"domovoy/bot"
	"domovoy/checks/lab/internet"
	"domovoy/i18n"
	"domovoy/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "pass:word of 2026"

func bundle(tb testing.TB) *i18n.Bundle {
	tb.Helper()
	b, err := i18n.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// duty is the mailbox of the tests.
func duty() bot.Address { return bot.Address{Messenger: Messenger, Chat: "duty@example.com"} }

// newMail makes a Mail that talks to an address of this host and logs in.
func newMail(t *testing.T, server string, roots *x509.CertPool) *Mail {
	t.Helper()
	m, err := New(Config{Server: server, From: "domovoy@hoster.example", User: "domovoy", Password: password, Roots: roots}, bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// alert is a message about a problem, in Russian.
func alert() reports.Message {
	return reports.Message{
		Language: "ru", Tone: reports.ToneBad, Title: "isp1: не удалось выпустить 61 сертификат (порог 50), пример.рф и ещё 60 сайтов",
		Sections: []reports.Section{
			{Text: "Час назад было 14."},
			{Heading: "Причины", Items: []reports.Item{{Text: "порт 80 не открывается", Note: "40"}, {Text: "указывает на чужой адрес", Note: "21"}}},
			{Quote: "Invalid response from http://shop.ru/\n.\n404"},
		},
		Files:    []reports.File{{Name: "сайты.csv", Type: "text/csv", Data: []byte("site;owner\r\nshop.ru;client1\r\n")}},
		Facts:    &reports.Facts{Event: reports.Opened, Problem: 7, Server: "isp1", Opened: time.Unix(1795939800, 0)},
		Delivery: "17-1795943400000",
	}
}

// listen accepts connections on loopback until the test ends, and serves each in a
// goroutine.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Wait()
	})
	return fmt.Sprint("localhost:", l.Addr().(*net.TCPAddr).Port)
}

// newCA makes a CA of the test.
func newCA(t *testing.T) *internet.CA {
	t.Helper()
	ca, err := internet.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}
