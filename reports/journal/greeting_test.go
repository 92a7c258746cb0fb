package journal_test

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// A chat counts as told while its summary waits and once it is sent. One that was
// dropped is worth another after a day, or when the program begins again.
func TestGreetings(t *testing.T) {
	j := open(t)
	now := time.Now()
	greet := func(chat string) int64 {
		d := say(chat, "how isp1 stands")
		d.Greets = "isp1"
		return enqueue(t, j, d)[0]
	}
	told := func(after time.Duration) []string {
		var chats []string
		for g := range maps.Keys(got(j.Greeted(t.Context(), now.Add(after)))(t)) {
			chats = append(chats, g.Chat+" "+g.Server)
		}
		slices.Sort(chats)
		return chats
	}
	waits, sent, dropped := greet("c:1"), greet("c:2"), greet("c:3")
	must(t, j.MarkSent(t.Context(), sent, "ref", now))
	must(t, j.MarkDropped(t.Context(), dropped, "no such thread"))
	same(t, "at once", told(0), []string{"c:1 isp1", "c:2 isp1", "c:3 isp1"})
	same(t, "after a day", told(25*time.Hour), []string{"c:1 isp1", "c:2 isp1"})
	must(t, j.ForgetGreetings(t.Context()))
	same(t, "begun again", told(0), []string{"c:1 isp1", "c:2 isp1"})
	must(t, j.MoveChat(t.Context(), "c:2", "c:20"))
	same(t, "a chat that moved, under both addresses", told(0), []string{"c:1 isp1", "c:2 isp1", "c:20 isp1"})
	must(t, j.MarkDropped(t.Context(), waits, "kicked"))
	greet("c:1")
	same(t, "another one waits", told(25*time.Hour), []string{"c:1 isp1", "c:2 isp1", "c:20 isp1"})
	must(t, j.Prune(t.Context(), now.AddDate(1, 0, 0)))
	same(t, "what was told is not forgotten", told(9000*time.Hour), []string{"c:1 isp1", "c:2 isp1", "c:20 isp1"})
}
