// Command floor does what a sweep cannot do without, and nothing else: for each
// name on standard input the questions for its addresses and for CAA, one GET,
// and one TLS handshake, two hundred names at once:
//
//	floor RESOLVER HTTP HTTPS TIMEOUT
//
// HTTP and HTTPS are ports. It judges nothing, stores nothing and asks nothing
// twice. How many names had an answer stands on standard error.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// workers is how many names are looked at at once: as many as in a sweep.
const workers = 200

func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: floor RESOLVER HTTP HTTPS TIMEOUT")
	}
	timeout, err := time.ParseDuration(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	answered, err := run(os.Stdin, os.Args[1], os.Args[2], os.Args[3], timeout)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stderr).Encode(map[string]int64{"answered": answered}); err != nil {
		log.Fatal(err)
	}
}

func run(in io.Reader, resolver, plain, secure string, timeout time.Duration) (int64, error) {
	names := make(chan string)
	var group sync.WaitGroup
	var answered atomic.Int64
	for range workers {
		conn, err := dns.Dial("udp", resolver) // one for all questions of a worker
		if err != nil {
			return 0, err
		}
		group.Go(func() {
			defer conn.Close()
			for name := range names {
				if look(conn, name, plain, secure, timeout) == nil {
					answered.Add(1)
				}
			}
		})
	}
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		names <- scanner.Text()
	}
	close(names)
	group.Wait()
	return answered.Load(), scanner.Err()
}

// errNowhere: a name has no address.
var errNowhere = errors.New("no address")

// look looks at one name.
func look(conn *dns.Conn, name, plain, secure string, timeout time.Duration) error {
	address, err := resolve(conn, name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := get(ctx, name, net.JoinHostPort(address, plain)); err != nil {
		return err
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, secure))
	if err != nil {
		return err
	}
	defer raw.Close()
	// The curve that costs a client least.
	return tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.CurveP256}}).HandshakeContext(ctx)
}

// resolve returns the first IPv4 address of a name, and asks what a CA asks
// besides.
func resolve(conn *dns.Conn, name string) (address string, err error) {
	_, parent, _ := strings.Cut(name, ".")
	client := dns.Client{UDPSize: 1232}
	for _, q := range []dns.Question{{Name: name, Qtype: dns.TypeA}, {Name: name, Qtype: dns.TypeAAAA}, {Name: name, Qtype: dns.TypeCAA}, {Name: parent, Qtype: dns.TypeCAA}} {
		answer, _, err := client.ExchangeWithConn(new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), q.Qtype).SetEdns0(1232, false), conn)
		if err != nil {
			return "", err
		}
		for _, rr := range answer.Answer {
			if a, ok := rr.(*dns.A); ok && address == "" {
				address = a.A.String()
			}
		}
	}
	if address == "" {
		return "", errNowhere
	}
	return address, nil
}

// get requests the file of a challenge.
func get(ctx context.Context, name, at string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
