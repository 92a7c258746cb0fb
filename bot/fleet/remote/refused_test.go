package remote_test

import (
	"bytes"
	"compress/gzip"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/fleet/remote"
)

// refusals counts what a bot refuses, by panel and reason, and keeps its log.
type refusals struct {
	sync.Mutex
	counts map[string]int
	log    bytes.Buffer
}

// config is of a bot whose refusals are counted.
func (r *refusals) config(p remote.Places) remote.Config {
	return remote.Config{Places: p, Log: slog.New(slog.NewTextHandler(r, nil)), Refused: func(panel, why string) {
		r.Lock()
		defer r.Unlock()
		if r.counts == nil {
			r.counts = map[string]int{}
		}
		r.counts[panel+" "+why]++
	}}
}

func (r *refusals) Write(line []byte) (int, error) {
	r.Lock()
	defer r.Unlock()
	return r.log.Write(line)
}

func (r *refusals) count(key string) int {
	r.Lock()
	defer r.Unlock()
	return r.counts[key]
}

// logged is how often it was logged that records are refused for a reason.
func (r *refusals) logged(why string) (n int) {
	r.Lock()
	defer r.Unlock()
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "is refused") && strings.Contains(line, "why="+why) {
			n++
		}
	}
	return n
}

// stored is the record that the hub has under a subject.
func (h *hub) stored(js jetstream.JetStream, subject string) []byte {
	h.Helper()
	stream, err := js.Stream(h.Context(), fleet.StreamFacts)
	h.must(err)
	m, err := stream.GetLastMsgForSubject(h.Context(), subject)
	h.must(err)
	return m.Data
}

// What cannot be true is refused, counted each time and logged once, and the panel
// stays as it was.
func TestRefused(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	now := time.Now()
	h.must(a.Read(t.Context(), now))
	conn := h.dial()
	js, err := jetstream.New(conn)
	h.must(err)
	old := h.stored(js, fleet.StateSubject("isp1"))
	h.must(a.Read(t.Context(), now.Add(2*time.Minute)))
	stream, err := js.Stream(t.Context(), fleet.StreamFacts)
	h.must(err)
	wide := stream.CachedInfo().Config
	wide.MaxMsgSize = 2 * fleet.MaxRecord // a hub of another's, which takes more
	_, err = js.UpdateStream(t.Context(), wide)
	h.must(err)

	seen := &refusals{}
	f := h.open(seen.config(enginetest.Journal(t)))
	far := f.Panel("isp1")
	near, _, _ := panel.Poll(t.Context())
	holds := func() bool {
		s, _, err := far.Poll(t.Context())
		return err == nil && reflect.DeepEqual(facts(s), facts(near))
	}
	eventually(t, "the bot has the panel", holds)
	site := fleet.Fact{Panel: "isp1", Kind: fleet.KindSite, ID: fleet.LongID("1")}.Subject()
	foreign := fleet.Fact{Panel: "isp1", Kind: fleet.KindSite, ID: fleet.LongID("99")}.Subject()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err = z.Write(bytes.Repeat([]byte(" "), 9<<20))
	h.must(err)
	h.must(z.Close())
	stores := func(subject string, data []byte) func() {
		return func() { _, err := js.Publish(t.Context(), subject, data); h.must(err) }
	}
	// ack has the hub write an acknowledgement onto a subject that its sender has no
	// rights for.
	ack := func(onto string) func() {
		return func() {
			h.must(conn.PublishMsg(&nats.Msg{Subject: fleet.LogSubject("isp2"), Reply: onto, Data: []byte("{}")}))
		}
	}
	for _, c := range []struct {
		name string
		send func()
		want string
	}{
		{"garbage for a state", stores(fleet.StateSubject("isp1"), []byte("\x00garbage")), "isp1 garbage"},
		{"garbage for a site", stores(foreign, []byte("[]")), "isp1 garbage"},
		{"a state of no reading", stores(fleet.StateSubject("isp1"), []byte(`{"v":1,"e":"x"}`)), "isp1 garbage"},
		{"a fact of no epoch", stores(foreign, []byte(`{"id":99}`)), "isp1 garbage"},
		{"an old reading", stores(fleet.StateSubject("isp1"), old), "isp1 old"},
		{"above the limit", stores(foreign, bytes.Repeat([]byte(" "), fleet.MaxRecord+1)), "isp1 large"},
		{"above the limit when decompressed", stores(foreign, bomb.Bytes()), "isp1 large"},
		{"another site than its subject", stores(foreign, h.stored(js, site)), "isp1 other"},
		{"an acknowledgement for a state", ack(fleet.StateSubject("isp1")), "isp1 garbage"},
		{"an acknowledgement for a site", ack(foreign), "isp1 garbage"},
		{"an acknowledgement for a panel that nobody has", ack(fleet.Fact{Panel: "ghost", Kind: fleet.KindSite, ID: fleet.LongID("1")}.Subject()), " garbage"},
		{"an acknowledgement for the state of such a panel", ack(fleet.StateSubject("ghost")), " garbage"},
	} {
		for range 2 {
			was := seen.count(c.want)
			c.send()
			eventually(t, c.name+": it is counted", func() bool { return seen.count(c.want) > was })
		}
		if !holds() {
			t.Errorf("%s: the panel is another one", c.name)
		}
	}
	if names := f.Names(); !reflect.DeepEqual(names, []string{"isp1"}) {
		t.Errorf("panels: %v", names)
	}
	for _, why := range []string{remote.Old, remote.Large, remote.Other} {
		if n := seen.logged(why); n != 1 {
			t.Errorf("%s is logged %d times", why, n)
		}
	}
	if n := seen.logged(remote.Garbage); n != 2 { // of the panel, and of no panel
		t.Errorf("garbage is logged %d times", n)
	}
}

// A bot that is started again still knows which reading was the last.
func TestOldReadingAfterRestart(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	js, err := jetstream.New(h.dial())
	h.must(err)
	now := time.Now()
	h.must(a.Read(t.Context(), now))
	old := h.stored(js, fleet.StateSubject("isp1"))
	h.must(a.Read(t.Context(), now.Add(2*time.Minute)))
	j := enginetest.Journal(t)
	readable := func(f *remote.Fleet) func() bool {
		return func() bool { _, _, err := f.Panel("isp1").Poll(t.Context()); return err == nil }
	}
	first := h.fleet(j)
	eventually(t, "the bot has the panel", readable(first))
	first.Close()
	_, err = js.Publish(t.Context(), fleet.StateSubject("isp1"), old)
	h.must(err)

	seen := &refusals{}
	second := h.open(seen.config(j))
	eventually(t, "the old reading is refused", func() bool { return seen.count("isp1 old") == 1 })
	if readable(second)() {
		t.Error("the old reading counts")
	}
	h.must(a.Read(t.Context(), now.Add(4*time.Minute)))
	eventually(t, "the next reading counts", readable(second))
}

// A heartbeat is about the agent whose subject it has.
func TestForeignHeartbeat(t *testing.T) {
	h := newHub(t)
	conn, seen := h.dial(), &refusals{}
	h.open(seen.config(&places{}))
	const foreign = `{"v":1,"agent":"a2","at":1}`
	publish := func(data string) { h.must(conn.Publish(fleet.BeatSubject("a1"), []byte(data))) }
	eventually(t, "the bot listens", func() bool { publish(foreign); return seen.count(" other") > 0 })
	// What comes next is sent once. Messages keep their order: when one is refused, those
	// before it have been.
	for _, c := range []struct{ data, want string }{
		{`{"stream":"FACTS","seq":1}`, " garbage"},
		{`{"v":1,"agent":"a1","at":null}`, " garbage"},
		{foreign, " other"},
	} {
		was := seen.count(c.want)
		publish(c.data)
		eventually(t, c.data+" is refused", func() bool { return seen.count(c.want) > was })
	}
}
