package fleet

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestRights tries at a real server what an agent may say and hear.
func TestRights(t *testing.T) {
	bot, agent := newKey(t), newKey(t)
	member := Member{Name: "isp2", Key: agent.Public(), Panels: []string{"isp2"}}
	srv := start(t, user(bot, Everything()), user(agent, member.Rights()))
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	of := func(key Key, name string) jetstream.JetStream {
		n, err := nats.Connect(srv.ClientURL(), nats.Nkey(key.Public(), key.Sign), nats.CustomInboxPrefix(inboxPrefix(name)), nats.PermissionErrOnSubscribe(true),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		js, err := jetstream.New(n)
		if err != nil {
			t.Fatal(err)
		}
		return js
	}
	botJS, agentJS := of(bot, "bot"), of(agent, "isp2")
	for range 2 { // again as at every start
		if err := Prepare(ctx, botJS, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := botJS.CreateOrUpdateConsumer(ctx, StreamLooks, LookConsumer("isp2")); err != nil {
		t.Fatal(err)
	}
	if _, err := botJS.Publish(ctx, LookSubject("isp2"), []byte("look")); err != nil {
		t.Fatal(err)
	}

	own := []string{Fact{"isp2", KindSite, ID("shop.ru")}.Subject(), StateSubject("isp2"), LogSubject("isp2"), SightSubject("isp2", "isp7", ID("shop.ru")), "$KV.fleet.isp2"}
	for _, subject := range own {
		if _, err := agentJS.Publish(ctx, subject, []byte("seen")); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
	for _, subject := range []string{Fact{"isp3", KindSite, ID("shop.ru")}.Subject(), StateSubject("isp3"), LogSubject("isp3"), LookSubject("isp2"), SightSubject("isp3", "isp2", ID("shop.ru")), "$KV.fleet.isp3", "$KV.lease.bot"} {
		short, end := context.WithTimeout(ctx, 300*time.Millisecond)
		if _, err := agentJS.Publish(short, subject, []byte("seen")); err == nil {
			t.Errorf("%s was taken", subject)
		}
		end()
	}
	for subject, may := range map[string]bool{
		TaskSubject("isp2"): true, TaskSubject("isp3"): false, FactsSubject("isp2"): false, StateSubject("isp3"): false, ">": false, "_INBOX_bot.>": false, "$JS.EVENT.>": false,
	} {
		sub, err := agentJS.Conn().SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		if err := agentJS.Conn().Flush(); err != nil {
			t.Fatal(err)
		}
		_, err = sub.NextMsg(time.Millisecond)
		if refused := errors.Is(err, nats.ErrPermissionViolation); refused == may {
			t.Errorf("%s: %v", subject, err)
		}
		_ = sub.Unsubscribe()
	}

	queue, err := agentJS.Consumer(ctx, StreamLooks, "isp2")
	if err != nil {
		t.Fatal(err)
	}
	look, err := queue.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := look.DoubleAck(ctx); err != nil {
		t.Error(err)
	}
	if msg, err := agentJS.Conn().Request("$JS.API.DIRECT.GET.FACTS."+StateSubject("isp2"), nil, 5*time.Second); err != nil || string(msg.Data) != "seen" {
		t.Error("its own state is", msg, err)
	}
}

func newKey(t *testing.T) Key {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func user(key Key, r Rights) *server.NkeyUser {
	return &server.NkeyUser{Nkey: key.Public(), Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: r.Publish}, Subscribe: &server.SubjectPermission{Allow: r.Subscribe},
		Response: &server.ResponsePermission{MaxMsgs: AnswersTo, Expires: AnswersFor},
	}}
}

func start(t *testing.T, users ...*server.NkeyUser) *server.Server {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), Nkeys: users, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv
}
