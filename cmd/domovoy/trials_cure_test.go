package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab/internet"
)

// curing finds the commands of cures that are to be typed as they stand.
var curing = regexp.MustCompile(`setfacl -m \S+ [^\s,]+|find \S+ (?:-name \S+|-type d) -exec setfacl -m \S+ \{\} \+|chown (?:-R )?\S+: [^\s,]+|chmod 600 [^\s;,]+|mv \S+ \S+`)

// broken is a host of which one thing is broken.
type broken struct {
	spoil func(h *host)
	says  string
	mend  func(h *host) // what the cure asks of a person; nil: its commands do it
	left  string        // why setup leaves it; empty: it mends it
}

// Why setup leaves what is broken.
const (
	isNew      = "the files come new every day, and a right on them would end with them"
	somebodys  = "a file of somebody else is not moved"
	whereItIs  = "only a person knows where it is"
	theirs     = "what a person wrote into the configuration stays"
	atSlack    = "only a person at Slack’s site can switch it on, and setup says so"
	inTheChat  = "only a person in the chat can do that"
	ofTheHost  = "that belongs to the host, and others on it need it, too"
	anotherOne = "of a configuration that cannot be read nothing is known: a new one is made, and the old one stays beside it"
)

// brokenHosts are hosts of which one thing is broken, by its name.
func brokenHosts() map[string]broken {
	write := func(name, text string) func(h *host) { return func(h *host) { h.write(name, text, 0o600) } }
	closed := func(name string, mode os.FileMode) func(h *host) { return func(h *host) { h.take(name, mode) } }
	change := func(from, to string) func(h *host) { return func(h *host) { h.change(from, to); h.give() } }
	other := func(h *host) { h.change("database: "+h.panel(), "database: "+h.folder+"/real.db"); h.give() }
	token := func(h *host) { h.write("telegram", h.telegram.Token()+"\n", 0o600) }
	return map[string]broken{
		"only its owner may read the database": {closed("ispmgr.db", 0o600), "setfacl", nil, ""},
		"an access control list denies it": {func(h *host) {
			h.take("ispmgr.db", 0o644)
			h.must(exec.Command("setfacl", "-m", "u:nobody:---", h.panel()).Run())
		}, "setfacl", nil, ""},
		"a link leads where nobody may go": {func(h *host) {
			h.inFolder()
			h.must(os.Symlink("closed/in/ispmgr.db", h.panel()))
			h.change("database: "+h.folder+"/closed/in/ispmgr.db", "database: "+h.panel())
			h.give()
			h.take("closed", 0o700)
		}, "closed", nil, ""},
		"two folders on the way are closed": {func(h *host) { h.inFolder(); h.give(); h.take("closed/in", 0o700); h.take("closed", 0o700) }, "closed", nil, ""},
		"the certificates are closed":       {closed("httpd-cert", 0o750), "setfacl", nil, ""},
		"each folder of certificates is closed": {func(h *host) {
			folders, err := filepath.Glob(filepath.Join(h.folder, "httpd-cert", "*"))
			h.must(err)
			for _, folder := range folders {
				h.take("httpd-cert/"+filepath.Base(folder), 0o700)
			}
		}, "find", nil, ""},
		"an access log is closed":    {closed("logs/shop.access.log", 0o600), "access_logs", nil, isNew},
		"the logs are closed":        {closed("logs", 0o700), "access_logs", nil, ""},
		"nginx is closed":            {closed("vhosts/shop.conf", 0o600), "vhosts", nil, isNew},
		"no file can be placed":      {closed("challenges", 0o755), "challenges", nil, ""},
		"the account key is open":    {func(h *host) { h.accountKey(); h.must(os.Chmod(h.folder+"/key.pem", 0o644)) }, "chmod 600", nil, ""},
		"the state is root's":        {func(h *host) { h.write("state/domovoy.db", "", 0o600); h.take("state/domovoy.db", 0o600) }, "chown", nil, ""},
		"the audit is root's":        {func(h *host) { h.write("state/domovoy.db.audit", "", 0o600); h.take("state/domovoy.db.audit", 0o600) }, "chown", nil, ""},
		"the folder of the state is": {closed("state", 0o755), "chown", nil, ""},
		"the state is root's beside files of others": {func(h *host) {
			h.write("state/domovoy.db", "", 0o600)
			h.write("state/others", "", 0o644)
			h.take("state/domovoy.db", 0o600)
			h.take("state/others", 0o644)
			h.take("state", 0o755)
		}, "setfacl", nil, ""},
		"the state is another file":     {write("state/domovoy.db", strings.Repeat("notes ", 100)), "no SQLite database", nil, somebodys},
		"the token's file is open":      {func(h *host) { h.must(os.Chmod(h.folder+"/telegram", 0o644)) }, "chmod 600", func(h *host) { h.must(os.Chmod(h.folder+"/telegram", 0o600)) }, ""},
		"no database":                   {func(h *host) { h.aside(); h.must(os.Remove(h.panel())) }, "there is no", other, whereItIs},
		"a link to nowhere":             {func(h *host) { h.aside(); h.must(errors.Join(os.Remove(h.panel()), os.Symlink("/nowhere", h.panel()))) }, "there is no", other, whereItIs},
		"a folder":                      {func(h *host) { h.aside(); h.must(errors.Join(os.Remove(h.panel()), os.Mkdir(h.panel(), 0o755))) }, "is a folder", other, whereItIs},
		"an empty file":                 {func(h *host) { h.aside(); h.write("ispmgr.db", "", 0o644) }, "is empty", other, whereItIs},
		"a wrong Telegram token":        {write("telegram", "123456:AAFakeFakeFakeFakeFakeFake"), "refuses the token", token, ""},
		"a Telegram token in quotes":    {func(h *host) { h.write("telegram", `"`+h.telegram.Token()+`"`, 0o600) }, "does not look like", token, ""},
		"a wrong Slack token":           {write("slack.bot", "xoxb-1-fake"), "refuses the token", func(h *host) { h.write("slack.bot", h.slack.BotToken(), 0o600) }, ""},
		"a wrong app's token":           {write("slack.app", "xapp-1-fake"), "refuses the token", func(h *host) { h.write("slack.app", h.slack.AppToken()+"\r\n", 0o600) }, ""},
		"swapped Slack tokens":          {func(h *host) { h.write("slack.bot", h.slack.AppToken(), 0o600) }, "swapped", func(h *host) { h.write("slack.bot", h.slack.BotToken(), 0o600) }, ""},
		"an unknown group":              {change(fmt.Sprint(group, "/"), "-100999/"), "chat not found", change("-100999/", fmt.Sprint(group, "/")), theirs},
		"a group's number without -100": {change(fmt.Sprint(group, "/"), "-1234567890/"), "If it is a supergroup: telegram:-1001234567890/7", change("-1234567890/", fmt.Sprint(group, "/")), theirs},
		"thrown out of the group":       {func(h *host) { h.telegram.Block(group) }, "Add the bot", func(h *host) { h.telegram.AddChat(botlab.Chat{ID: group}); h.telegram.AddTopic(group, topic) }, inTheChat},
		"a supergroup by now":           {func(h *host) { h.telegram.Migrate(group, -1009) }, "has become telegram:-1009/7", change(fmt.Sprint(group, "/"), "-1009/"), theirs},
		"not in the channel":            {func(h *host) { h.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops", Absent: true}) }, "/invite", func(h *host) { h.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops"}) }, inTheChat},
		"Socket Mode is off":            {func(h *host) { h.slack.SetSocketMode(false) }, "Enable Socket Mode", func(h *host) { h.slack.SetSocketMode(true) }, atSlack},
		"a channel's name":              {change("slack:"+channel, "slack:#ops"), "channel’s id", change("slack:#ops", "slack:"+channel), anotherOne},
		"no name server":                {change("resolvers: [", "resolvers: [\"[::1]:1\", "), "Name another", change("resolvers: [\"[::1]:1\", ", "resolvers: ["), theirs},
		"the clock is behind":           {func(h *host) { h.off = 10 * time.Minute }, "timedatectl", func(h *host) { h.off = 0 }, ofTheHost},
		"the CA's certificate is foreign": {func(h *host) { h.change("ca_file: "+h.folder+"/root.pem, ", "") }, "acme.ca_file", func(h *host) {
			h.change("acme: {", "acme: {ca_file: "+h.folder+"/root.pem, ")
		}, theirs},
		"Telegram's certificate is foreign": {func(h *host) { h.change(h.telegram.URL(), h.front(h.telegram.URL())) }, "api_url, and at whether a proxy reads along", func(h *host) {
			h.change(h.fronting, h.telegram.URL())
		}, theirs},
		"Slack's certificate is foreign": {func(h *host) { h.change(h.slack.APIURL(), h.front(h.slack.APIURL())) }, "api_url, and at whether a proxy reads along", func(h *host) {
			h.change(h.fronting, h.slack.APIURL())
		}, theirs},
		"the registry's certificate is foreign": {func(h *host) {
			h.change("resolvers: [", "lookups: {rdap: \""+h.ca+"\"}\nresolvers: [")
		}, "lookups.rdap, and at whether a proxy reads along", func(h *host) { h.change("rdap: \""+h.ca, "rdap: \""+h.telegram.URL()) }, theirs},
		"no WHOIS server": {func(h *host) { h.change("resolvers: [", "lookups: {whois: {ru: \"127.0.0.1:1\"}}\nresolvers: [") }, "firewall for port 1.", func(h *host) {
			h.change("{ru: \"127.0.0.1:1\"}", "{}")
		}, theirs},
		"the database server's certificate is by another CA": {func(h *host) {
			h.aside()
			h.write("other.pem", string(h.authority().RootPEM()), 0o644)
			h.change("database: "+h.panel(), "database: \"mysql://domovoy@"+h.encrypted()+"/ispmgr?ca="+h.folder+"/other.pem\"")
		}, "tls=required takes any", func(h *host) { h.change("\""+h.between("database: \"", "\"")+"\"", h.folder+"/real.db") }, theirs},
		"saved as UTF-16": {func(h *host) {
			text, err := os.ReadFile(h.config)
			h.must(err)
			h.write("utf8.yaml", string(text), 0o600)
			wide := []byte{0xff, 0xfe}
			for _, unit := range utf16.Encode([]rune(string(text))) {
				wide = append(wide, byte(unit), byte(unit>>8))
			}
			h.write(filepath.Base(h.config), string(wide), 0o600)
		}, "Notepad", func(h *host) { h.must(os.Rename(h.folder+"/utf8.yaml", h.config)) }, anotherOne},
		"a tab in the configuration": {func(h *host) { h.change("\n  - ", "\n\t- ") }, "replace it with spaces", func(h *host) { h.change("\n\t- ", "\n  - ") }, anotherOne},
		"the state is a link to nowhere": {func(h *host) {
			h.must(errors.Join(os.RemoveAll(h.folder+"/state"), os.Symlink(h.folder+"/disk", h.folder+"/state")))
		}, "leads to", func(h *host) { h.must(os.Mkdir(h.folder+"/disk", 0o755)); h.give() }, ofTheHost},
	}
}

// onlyRoot skips where files cannot be given away and opened.
func onlyRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away and open them")
	}
	if _, err := exec.LookPath("setfacl"); err != nil {
		t.Skip("SKIPPED: setfacl is not installed")
	}
	if raceDetector {
		t.Skip("SKIPPED: each starts programs, which are slow then")
	}
}

// TestEveryCureMends breaks one thing of a host at a time, and does what config check
// says: types its commands as root, or follows the sentence. Then nothing is said any
// more.
func TestEveryCureMends(t *testing.T) {
	t.Parallel()
	onlyRoot(t)
	for name, c := range brokenHosts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.give()
			c.spoil(h)
			out, errs, _ := h.check()
			if !strings.Contains(out+errs, c.says) {
				t.Fatalf("want a line with %q\nstdout:\n%s\nstderr:\n%s", c.says, out, errs)
			}
			if c.mend != nil {
				c.mend(h)
				out, errs, _ = h.check()
			} else {
				out, errs = h.obeys(out, errs)
			}
			if errs != "" || !strings.Contains(out, ": no errors\n") {
				t.Errorf("after the cure\nstdout:\n%s\nstderr:\n%s", out, errs)
			}
		})
	}
}

// TestSetupMends runs setup on each broken host. What it may mend, it mends: config
// check says nothing any more. What it leaves, it leaves as it is.
func TestSetupMends(t *testing.T) {
	t.Parallel()
	onlyRoot(t)
	all := long(t)
	for name, c := range brokenHosts() {
		if c.left != "" && c.left != anotherOne && !all {
			continue // each takes seconds: in CI
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.answers()
			h.give()
			c.spoil(h)
			said := h.setUp()
			var offline []string
			if c.left == anotherOne {
				offline = []string{"--offline"} // it names the system's servers
			}
			out, errs, _ := h.check(offline...)
			mended := errs == "" && strings.Contains(out, ": no errors\n")
			switch aside, _ := filepath.Glob(h.config + ".before-*"); {
			case c.left == anotherOne:
				if !mended || len(aside) != 1 {
					t.Errorf("setup says:\n%s\nand config check after it:\n%s%sbeside it: %q", said, out, errs, aside)
				}
			case c.left == "" && !mended:
				t.Errorf("setup says:\n%s\nand config check after it:\n%s%s", said, out, errs)
			case c.left != "" && (mended || !strings.Contains(out+errs, c.says)):
				t.Errorf("setup says:\n%s\nand config check after it:\n%s%s\nwhile setup is to leave it: %s", said, out, errs, c.left)
			}
		})
	}
}

// answers writes the answers of a person who has the right tokens at hand.
func (h *host) answers() {
	h.Helper()
	h.must(os.Mkdir(filepath.Join(h.folder, "right"), 0o755))
	h.write("right/telegram", h.telegram.Token(), 0o600)
	h.write("right/bot", h.slack.BotToken(), 0o600)
	h.write("right/app", h.slack.AppToken(), 0o600)
	h.write("right/answers.yaml", fmt.Sprintf(`panel: {rights: acl, database: %[1]s/ispmgr.db}
telegram: {token_file: telegram, chat: "telegram:%[2]d/%[3]d", admin: "telegram:%[4]d"}
slack: {bot_token_file: bot, app_token_file: app, chat: "slack:%[5]s", admin: "slack:%[6]s:%[7]s"}
`, h.folder, group, topic, admin, channel, team, ann), 0o600)
}

// setUp runs setup as root, for the user that config check runs as.
func (h *host) setUp() string {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), h.binary, "setup", "--prefix", h.folder, "--config", filepath.Base(h.config), "--user", "nobody", "--wait", "1s",
		"--answers", filepath.Join(h.folder, "right/answers.yaml"), "--telegram-api", h.telegram.URL(), "--slack-api", h.slack.APIURL())
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "COLUMNS=1000", "LANG=C.UTF-8"}
	said, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		h.must(err)
	}
	return string(said)
}

// obeys types the commands that config check prints, as root, until it prints none:
// behind one closed folder there may be another.
func (h *host) obeys(out, errs string) (string, string) {
	h.Helper()
	for range 4 {
		command := curing.FindString(errs + out)
		if command == "" {
			break
		}
		if said, err := exec.CommandContext(h.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
			h.Errorf("%s: %v: %s", command, err, said)
		}
		out, errs, _ = h.check()
	}
	return out, errs
}

// aside copies the panel's database to real.db.
func (h *host) aside() {
	h.Helper()
	text, err := os.ReadFile(h.panel())
	h.must(err)
	h.write("real.db", string(text), 0o644)
}

// authority makes a CA.
func (h *host) authority() *internet.CA {
	h.Helper()
	ca, err := internet.NewCA()
	h.must(err)
	return ca
}

// front puts a server with TLS, whose certificate nobody knows, before a server of the laboratory, and returns the URL
// that it has there.
func (h *host) front(behind string) string {
	h.Helper()
	u, err := url.Parse(behind)
	h.must(err)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: u.Scheme, Host: u.Host}) }})
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // clients refuse it
	front.StartTLS()
	h.Cleanup(front.Close)
	h.fronting = front.URL + u.Path
	return h.fronting
}

// encrypted is the address of a server that greets as MySQL does
// (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html)
// and then begins TLS.
func (h *host) encrypted() string {
	h.Helper()
	c, err := h.authority().Issue(internet.Leaf{Names: []string{"db.example.com"}})
	h.must(err)
	identity := &tls.Config{Certificates: []tls.Certificate{*c}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	h.Cleanup(func() { _ = listener.Close() })
	const hello = "\x0a8.0.36\x00" + "\x01\x00\x00\x00" + "12345678\x00" + "\x00\xaa" + "\xff\x02\x00" + "\x08\x00\x15" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "123456789012\x00" + "mysql_native_password\x00"
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Write(append([]byte{byte(len(hello)), 0, 0, 0}, hello...))
				_, _ = io.ReadFull(conn, make([]byte, 4+32)) // the request for TLS
				_ = tls.Server(conn, identity).HandshakeContext(h.Context())
			}()
		}
	}()
	return listener.Addr().String()
}

// between is what the configuration has between two texts.
func (h *host) between(before, after string) string {
	h.Helper()
	text, err := os.ReadFile(h.config)
	h.must(err)
	_, rest, _ := strings.Cut(string(text), before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// accountKey makes a key of an account, which the configuration names.
func (h *host) accountKey() {
	h.Helper()
	out, err := exec.CommandContext(h.Context(), "openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout").Output()
	if err != nil {
		h.Skip("SKIPPED: no openssl")
	}
	h.write("key.pem", string(out), 0o600)
	h.write("acme.log", "", 0o644)
	h.change("acme: {", fmt.Sprintf("acme: {account_key_file: %[1]s/key.pem, logs: [%[1]s/acme.log], ", h.folder))
	h.give()
}
