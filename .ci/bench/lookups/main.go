// Command lookups asks for A, AAAA, NS and CAA of every name on standard
// input, as a look at a site does, and prints a line for each record that
// answers, in the form of massdns's simple output: "NAME. TYPE DATA":
//
//	lookups SERVER
//
// What came of it all stands on standard error as one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"strings"
	"sync"

	mdns "github.com/miekg/dns"

	"domovoy/checks/dns"
)

// workers is how many names are looked up at once: as many as in a sweep.
const workers = 200

// types are A, AAAA, NS and CAA (RFC 1035, 3596, 8659).
var types = [...]uint16{1, 28, 2, 257}

// tally counts the results of the lookups.
type tally struct {
	Lookups int `json:"lookups"`
	Records int `json:"records"` // addresses and others
	Refused int `json:"refused"` // answers of servers that do not serve the zone
	Failed  int `json:"failed"`  // no answer
}

func (t *tally) add(o tally) {
	t.Lookups += o.Lookups
	t.Records += o.Records
	t.Refused += o.Refused
	t.Failed += o.Failed
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: lookups SERVER")
	}
	sum, err := run(os.Args[1], os.Stdin, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stderr).Encode(sum); err != nil {
		log.Fatal(err)
	}
}

func run(server string, in io.Reader, out io.Writer) (sum tally, err error) {
	addr, err := netip.ParseAddrPort(server)
	if err != nil {
		return sum, fmt.Errorf("reading the server's address: %w", err)
	}
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{addr}})
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, resolver.Close()) }()
	names := make(chan string, workers)
	lines := bufio.NewWriter(out)
	var mu sync.Mutex // for lines and sum
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			var line []byte
			for name := range names {
				var t tally
				line = ask(resolver, name, &t, line[:0])
				mu.Lock()
				sum.add(t)
				_, _ = lines.Write(line) // Flush returns the error
				mu.Unlock()
			}
		})
	}
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		names <- scanner.Text()
	}
	close(names)
	group.Wait()
	return sum, errors.Join(scanner.Err(), lines.Flush())
}

// ask appends a line for each record that answers for a name.
func ask(r *dns.Resolver, name string, t *tally, out []byte) []byte {
	queries := make([]dns.Query, len(types))
	for i := range queries {
		queries[i] = dns.Query{Name: name, Type: types[i]}
	}
	for _, said := range r.AskAll(context.Background(), queries) {
		t.Lookups++
		if errors.Is(said.Err, dns.ErrRefused) {
			t.Refused++
			continue
		}
		if said.Err != nil {
			t.Failed++
			continue
		}
		t.Records += len(said.Answer.Addrs) + len(said.Answer.Records)
		for _, a := range said.Answer.Addrs {
			kind := ". A "
			if a.Is6() {
				kind = ". AAAA "
			}
			out = append(a.AppendTo(append(append(out, name...), kind...)), '\n')
		}
		for _, rr := range said.Answer.Records {
			out = append(record(out, rr), '\n')
		}
	}
	return out
}

// record appends a record without its class and its time to live.
func record(out []byte, rr mdns.RR) []byte {
	h := rr.Header()
	out = append(append(append(append(out, h.Name...), ' '), mdns.TypeToString[h.Rrtype]...), ' ')
	if ns, ok := rr.(*mdns.NS); ok { // nearly all that is no address
		return append(out, ns.Ns...)
	}
	return append(out, strings.TrimPrefix(rr.String(), h.String())...)
}
