package hub

import (
	"encoding/base64"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"domovoy/bot/fleet"
)

// users says who may connect, and what they may do then.
type users struct {
	log    *logger
	own    string // public key of the hub's own connection
	server atomic.Pointer[server.Server]

	mu      sync.Mutex
	members map[string]member // by public key
}

type member struct {
	name   string
	rights fleet.Rights
}

func newUsers(log *logger, own string) *users { return &users{log: log, own: own} }

// Check implements the server's interface: the client has signed the server's nonce
// with the key of a member.
func (u *users) Check(c server.ClientAuthentication) bool {
	key := c.GetOpts().Nkey
	m, ok := u.find(key)
	if !ok || !signed(c, key) {
		u.log.refuse(fleet.RefusedKey, "a connection without an enrolled key was refused", "key", key, "from", c.RemoteAddress())
		return false
	}
	if key != u.own && u.connections(key) > maxPerUser {
		u.log.refuse(fleet.RefusedMany, "too many connections of one key, the newest was refused", "name", m.name, "from", c.RemoteAddress())
		return false
	}
	c.RegisterUser(&server.User{Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: m.rights.Publish},
		Subscribe: &server.SubjectPermission{Allow: m.rights.Subscribe},
		Response:  &server.ResponsePermission{MaxMsgs: fleet.AnswersTo, Expires: fleet.AnswersFor},
	}})
	return true
}

func (u *users) find(key string) (member, bool) {
	if key != "" && key == u.own {
		return member{name: "hub", rights: fleet.Everything()}, true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	m, ok := u.members[key]
	return m, ok
}

// signed reports whether the client holds the private key.
func signed(c server.ClientAuthentication, key string) bool {
	public, err := nkeys.FromPublicKey(key)
	if err != nil {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(c.GetOpts().Sig)
	return err == nil && public.Verify(c.GetNonce(), signature) == nil
}

// replace replaces the members, and disconnects who is none any more.
func (u *users) replace(m fleet.Members) {
	all := map[string]member{}
	for _, key := range m.Bots {
		all[key] = member{name: "bot", rights: fleet.Everything()}
	}
	for _, a := range m.Agents {
		all[a.Key] = member{name: a.Name, rights: a.Rights()}
	}
	u.mu.Lock()
	was := u.members
	u.members = all
	u.mu.Unlock()
	for key, m := range was {
		if _, still := all[key]; !still {
			u.disconnect(key)
			u.log.log.Info("the rights of an agent ended", "name", m.name)
		}
	}
}

// connections counts those of a key.
func (u *users) connections(key string) int { return len(u.of(key)) }

func (u *users) of(key string) []*server.ConnInfo {
	s := u.server.Load()
	if s == nil {
		return nil
	}
	all, err := s.Connz(&server.ConnzOptions{Username: true, User: key, State: server.ConnOpen, Limit: maxConnections})
	if err != nil {
		return nil
	}
	return all.Conns
}

// disconnect ends all connections of a key.
func (u *users) disconnect(key string) {
	for _, c := range u.of(key) {
		_ = u.server.Load().DisconnectClientByID(c.Cid) // it may have gone by itself
	}
}
