package fleet

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"domovoy/checks"
)

// fuzz has a decoder read anything. What it takes it must take again when it is sent
// on, as the same; what it does not take is an ErrRecord.
func fuzz[T any](f *testing.F, decode func([]byte) (T, error), seeds ...any) {
	for _, seed := range seeds {
		data, err := Encode(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"stream":"FACTS","seq":12}`)) // an acknowledgement of the hub
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := decode(data)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Errorf("not an ErrRecord: %v", err)
			}
			return
		}
		again, err := Encode(x)
		if errors.Is(err, ErrLarge) { // escapes may be longer than what they stand for
			return
		}
		if err != nil {
			t.Fatalf("it was taken and cannot be sent: %v", err)
		}
		y, err := decode(again)
		if err != nil {
			t.Fatalf("it was taken, but not again: %v\n%s", err, again)
		}
		last, err := Encode(y)
		if err != nil || !reflect.DeepEqual(again, last) {
			t.Errorf("it changes each time (%v):\n%s\n%s", err, again, last)
		}
	})
}

func FuzzDecodeSite(f *testing.F) {
	fuzz(f, DecodeSite, SiteOf("e1", checks.Site{ID: 1, Name: "shop.ru", Aliases: []string{"www.shop.ru"}, Active: checks.On}))
}

func FuzzDecodeCertificate(f *testing.F) {
	fuzz(f, DecodeCertificate, CertificateOf("e1", checks.Certificate{ID: 1, Name: "shop.ru_le1", Started: time.UnixMilli(1)}))
}

func FuzzDecodeFile(f *testing.F) {
	fuzz(f, DecodeFile, File{InEpoch: InEpoch{"e1"}, Key: "client1/shop.ru", Err: "absent", Absent: true})
}

func FuzzDecodeValues(f *testing.F) {
	fuzz(f, DecodeValues, Values{InEpoch: InEpoch{"e1"}, Values: []checks.Unreadable{{Table: "webdomain", Row: 7, Column: "name", Value: "?"}}})
}

func FuzzDecodeAbout(f *testing.F) {
	fuzz(f, DecodeAbout, About{InEpoch: InEpoch{"e1"}, Protocol: Protocol, Agent: "isp1", Zone: "UTC"})
}

func FuzzDecodeState(f *testing.F) {
	fuzz(f, DecodeState, State{Protocol: Protocol, Epoch: "e1", Agent: "isp1", Reading: 1, Options: &checks.Options{}}, State{Protocol: Protocol + 1})
}

func FuzzDecodeHeartbeat(f *testing.F) {
	fuzz(f, DecodeHeartbeat, Heartbeat{Protocol: Protocol, Agent: "isp1", At: Moment{time.UnixMilli(1)}})
}

func FuzzDecodeLogBatch(f *testing.F) {
	fuzz(f, DecodeLogBatch, LogBatch{Protocol: Protocol, Generation: 1, Rows: []LogRow{{Row: 1, Certificate: "shop.ru_le1", Text: "<no>"}}})
}

func FuzzDecodeTask(f *testing.F) {
	fuzz(f, DecodeTask, Task{Protocol: Protocol, Do: TaskRead, URL: "https://ca.example/authz/1"},
		Task{Protocol: Protocol, Do: TaskLook, Look: &Look{Check: "access log", Site: &Site{ID: 1, Name: "shop.ru"}, Last: &Try{Outcome: checks.OutcomeFailed, At: Moment{time.UnixMilli(1)}, Text: "no <valid> A records"}}})
}

func FuzzDecodeReply(f *testing.F) {
	fuzz(f, DecodeReply, Reply{Account: "https://ca.example/acct/1"},
		Reply{Findings: FindingsOf([]checks.Finding{{Code: checks.WebBlocked, Args: checks.Args{"sources": 2, "addresses": []string{"192.0.2.1"}}}}), Error: FailureOf(checks.ErrSeen)})
}
