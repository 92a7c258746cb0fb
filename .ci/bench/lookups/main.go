// Command lookups asks for A, AAAA, NS and CAA of every name on standard
// input, as a look at a site does, and prints a line for each name:
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
	"strconv"
	"sync"

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

// ask appends a name's answers to line: for each type the rcode, the addresses
// and the number of other records.
func ask(r *dns.Resolver, name string, t *tally, line []byte) []byte {
	queries := make([]dns.Query, len(types))
	for i := range queries {
		queries[i] = dns.Query{Name: name, Type: types[i]}
	}
	line = append(line, name...)
	for _, said := range r.AskAll(context.Background(), queries) {
		t.Lookups++
		line = append(line, ' ')
		if errors.Is(said.Err, dns.ErrRefused) {
			t.Refused++
			line = append(line, "refused"...)
			continue
		}
		if said.Err != nil {
			t.Failed++
			line = append(line, "failed"...)
			continue
		}
		t.Records += len(said.Answer.Addrs) + len(said.Answer.Records)
		line = strconv.AppendInt(line, int64(said.Answer.Rcode), 10)
		for _, a := range said.Answer.Addrs {
			line = a.AppendTo(append(line, ','))
		}
		line = strconv.AppendInt(append(line, ';'), int64(len(said.Answer.Records)), 10)
	}
	return append(line, '\n')
}
