package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

// TestQuestionsLeaveTogetherOrAlone: whether or not the system takes the
// questions of a batch as one packet, each arrives by itself and has its answer,
// however their sizes follow one another.
func TestQuestionsLeaveTogetherOrAlone(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		_ = w.WriteMsg(reply(q, fmt.Sprintf("%s 60 IN TXT %q", q.Question[0].Name, q.Question[0].Name)))
	})
	for name, sizes := range map[string][]int{
		"one size":       {9, 9, 9, 9},
		"a shorter last": {9, 9, 9, 2},
		"growing":        {1, 2, 3, 4, 5},
		"up and down":    {5, 5, 2, 2, 7, 7, 7, 1, 9},
		"more than fit":  slices.Repeat([]int{6}, mostJoined+70),
	} {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, alone %v", name, alone), func(t *testing.T) {
				r := resolver(t, Options{Servers: []netip.AddrPort{addr}, Timeout: 2 * time.Second})
				for _, k := range r.servers[0].sockets {
					k.alone.Store(alone)
				}
				var queries []Query
				for i, size := range sizes {
					queries = append(queries, Query{Name: fmt.Sprintf("%c%s.example", 'a'+i%26, strings.Repeat("x", size)), Type: mdns.TypeTXT})
				}
				for i, said := range r.AskAll(t.Context(), queries) {
					if said.Err != nil || len(said.Answer.Records) != 1 || undot(said.Answer.Records[0].(*mdns.TXT).Txt[0]) != queries[i].Name {
						t.Errorf("%s: %+v", queries[i].Name, said)
					}
				}
			})
		}
	}
}
