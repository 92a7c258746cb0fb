package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// nobody is the user that config check runs as if the tests run as root, to whom no
// file is closed.
const nobody = 65534

// host is a house of which parts can be broken before config check tries it.
type host struct {
	*house
	binary   string
	language string
	ca       string // URL of the directory
	fronting string // URL of the server with TLS before another one
	off      time.Duration
}

// newHost is one where everything works, with DNS and a CA on loopback.
func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{house: newHouse(t, settings{resolveAfter: 1}), language: "en"}
	h.must(h.sample.Close())                        // the files change their owner
	h.must(os.Chmod(filepath.Dir(h.folder), 0o755)) // which may then enter
	built, err := exec.LookPath(realProgram)
	h.must(err)
	h.binary = filepath.Join(h.folder, "domovoy")
	h.must(os.Link(built, h.binary))
	ca := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(h.off).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, `{"newNonce":"https://127.0.0.1/"}`)
	}))
	ca.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not know it leave
	t.Cleanup(ca.Close)
	h.write("root.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate().Raw})), 0o644)
	h.ca = ca.URL + "/directory"
	for _, folder := range []string{"challenges", "logs", "vhosts", "state"} {
		h.must(os.Mkdir(filepath.Join(h.folder, folder), 0o755))
	}
	h.write("logs/shop.access.log", "", 0o644)
	h.write("vhosts/shop.conf", "", 0o644)
	h.change(`acme: {directory: "https://127.0.0.1:9/directory"}`, fmt.Sprintf(`certificates: %[1]s/httpd-cert, challenges: %[1]s/challenges,
    access_logs: ["%[1]s/logs/*.access.log"], vhosts: ["%[1]s/vhosts/*.conf"], acme: {ca_file: %[1]s/root.pem, directory: %[2]q}`, h.folder, h.ca))
	h.change("resolvers: []", fmt.Sprintf("resolvers: [%q]", h.nameServer()))
	h.oneCertificate()
	return h
}

// nameServer answers every question without a record.
func (h *host) nameServer() string {
	h.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	h.must(err)
	h.Cleanup(func() { _ = c.Close() })
	go func() {
		for packet := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(packet)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && n > 3 {
				packet[2] |= 0x80 // QR: it is the answer (RFC 1035, section 4.1.1)
				_, _ = c.WriteTo(packet[:n], from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// write writes a file below the host's folder.
func (h *host) write(name, text string, mode fs.FileMode) {
	h.Helper()
	path := filepath.Join(h.folder, name)
	h.must(os.WriteFile(path, []byte(text), 0o600))
	h.must(os.Chmod(path, mode))
	h.give()
}

// check runs config check as somebody who is not root.
func (h *host) check(args ...string) (out, errs string, status int) {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), h.binary, append([]string{"config", "check"}, append(args, h.config)...)...)
	cmd.Env = []string{"LANG=" + map[string]string{"en": "C.UTF-8", "ru": "ru_RU.UTF-8"}[h.language]}
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return o.String(), e.String(), exit.ExitCode()
	}
	h.must(err)
	return o.String(), e.String(), 0
}

// give gives everything to the user that config check runs as.
func (h *host) give() {
	h.Helper()
	if os.Geteuid() != 0 {
		return
	}
	h.must(filepath.WalkDir(h.folder, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	}))
}

// take takes a path from that user.
func (h *host) take(name string, mode fs.FileMode) {
	h.Helper()
	path := filepath.Join(h.folder, name)
	if os.Geteuid() == 0 {
		h.must(os.Lchown(path, 0, int(mail)))
	} else {
		mode = 0
		h.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // to be removed
	}
	h.must(os.Chmod(path, mode))
}

// mail is a group of Debian's; its members could pass.
const mail = 8

// oneCertificate writes the certificate of one site.
func (h *host) oneCertificate() {
	h.Helper()
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: h.panel()})
	defer reader.Close()
	snapshot, _, err := reader.Poll(h.Context())
	h.must(err)
	for _, s := range snapshot.Sites {
		if s.Certificate != "" {
			h.must(h.sample.Certificates.Write(lab.File{Owner: s.Owner, Name: s.Certificate, Names: []string{s.Name}, NotBefore: time.Now(), NotAfter: time.Now().AddDate(0, 0, 90)}))
			return
		}
	}
	h.Fatal("no site has a certificate")
}

// panel is the path of the panel's database.
func (h *host) panel() string { return filepath.Join(h.folder, "ispmgr.db") }

// TestConfigCheckNamesWhatIsBroken breaks one thing of a host at a time. Errors, which
// end with status 2, keep the program from its work; warnings do not.
func TestConfigCheckNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	root := os.Geteuid() == 0
	for name, c := range map[string]struct {
		spoil func(h *host)
		as    string // "root": only root can spoil it so
		says  string // pattern of the one line; \x00 is the host's folder
		warns bool
	}{
		"no database":             {func(h *host) { h.must(os.Remove(h.panel())) }, "", `^panels\[0\]\.database: isp1: there is no \x00/ispmgr\.db\. With database: auto `, false},
		"a folder for a database": {func(h *host) { h.must(errors.Join(os.Remove(h.panel()), os.Mkdir(h.panel(), 0o755))) }, "", `\.database: isp1: \x00/ispmgr\.db is a folder\. With database: auto `, false},
		"an empty database":       {func(h *host) { h.write("ispmgr.db", "", 0o644) }, "", `\.database: isp1: \x00/ispmgr\.db is empty\. `, false},
		"another file":            {func(h *host) { h.write("ispmgr.db", strings.Repeat("not a database ", 100), 0o644) }, "", `\.database: isp1: \x00/ispmgr\.db is not an SQLite database\. `, false},
		"the group may read it":   {func(h *host) { h.give(); h.take("ispmgr.db", 0o640) }, "root", `\.database: nobody may not read \x00/ispmgr\.db \(owner root, group mail, mode -rw-r-----\)\. .*: usermod -aG mail nobody .*; or for this alone: setfacl -m u:nobody:r \x00/ispmgr\.db$`, false},
		"only its owner may":      {func(h *host) { h.give(); h.take("ispmgr.db", 0o600) }, "", `\.database: \S+ may not read \x00/ispmgr\.db \(.*\)\. To grant it nothing else: setfacl -m u:\S+:r \x00/ispmgr\.db$`, false},
		"the way to it is closed": {func(h *host) { h.inFolder(); h.give(); h.take("closed", 0o700) }, "", `\.database: \S+ may not read \x00/closed/in/ispmgr\.db: it ends at \x00/closed \(.*\)\. .*: setfacl -m u:\S+:x \x00/closed$`, false},
		"no db.conf":              {func(h *host) { h.change("database: "+h.panel(), "db_conf: "+h.folder+"/logs/db.conf") }, "", `\.database: isp1: there is no \x00/logs/ispmgr\.db\. With database: auto `, false},
		"db.conf is closed": {func(h *host) {
			h.write("db.conf", "DBHost\n", 0o600)
			h.change("database: "+h.panel(), "db_conf: "+h.folder+"/db.conf")
			h.give()
			h.take("db.conf", 0o600)
		}, "", `\.database: \S+ may not read \x00/db\.conf \(.*setfacl`, false},
		"no MySQL there":          {func(h *host) { h.change("database: "+h.panel(), "database: mysql://domovoy@127.0.0.1:1/ispmgr") }, "", `\.database: isp1: mysql://domovoy@127\.0\.0\.1:1/ispmgr does not answer\.`, false},
		"no sites":                {func(h *host) { h.noSites() }, "", `^panels\[0\]\.database: isp1: the database can be read, and has no sites\.$`, true},
		"no certificates' folder": {func(h *host) { h.must(os.RemoveAll(filepath.Join(h.folder, "httpd-cert"))) }, "", `^panels\[0\]\.certificates: \x00/httpd-cert cannot be read \(no such file or directory\)\.$`, false},
		"it is closed":            {func(h *host) { h.give(); h.take("httpd-cert", 0o750) }, "", `\.certificates: \S+ may not read \x00/httpd-cert \(.*setfacl -m u:\S+:rx \x00/httpd-cert$`, false},
		"another folder":          {func(h *host) { h.change("/httpd-cert", "/vhosts") }, "", `\.certificates: None of the [\d,]+ certificate files of isp1 is in \x00/vhosts: is that the right folder\?$`, true},
		"no challenge folder":     {func(h *host) { h.must(os.Remove(filepath.Join(h.folder, "challenges"))) }, "", `^panels\[0\]\.challenges: No file can be placed in \x00/challenges \(no such file or directory\)\. .*setfacl -m u:`, true},
		"no folder for pages": {func(h *host) {
			h.change("resolvers: [", "share: {directory: "+h.folder+"/pages, url: \"https://status.example.com/c\"}\nresolvers: [")
		}, "", `^share\.directory: No page can be placed in \x00/pages \(no such file or directory\): share check will fail\. .*setfacl -m u:.*ReadWritePaths=\x00/pages`, true},
		"no access log":             {func(h *host) { h.must(os.Remove(filepath.Join(h.folder, "logs/shop.access.log"))) }, "", `^panels\[0\]\.access_logs\[0\]: There is no access log \x00/logs/\*\.access\.log: `, true},
		"a closed access log":       {func(h *host) { h.give(); h.take("logs/shop.access.log", 0o600) }, "", `\.access_logs\[0\]: \S+ may not read \x00/logs/shop\.access\.log \(`, true},
		"no configuration of nginx": {func(h *host) { h.must(os.RemoveAll(filepath.Join(h.folder, "vhosts"))) }, "", `^panels\[0\]\.vhosts\[0\]: There is no configuration \x00/vhosts/\*\.conf: `, true},
		"no account key":            {func(h *host) { h.key("key.json") }, "", `^panels\[0\]\.acme\.account_key_file: There is no account key \x00/key\.json: `, true},
		"a key that others read":    {func(h *host) { h.write("key.json", "{}", 0o644); h.key("key.json") }, "", `\.account_key_file: The account key \x00/key\.json can be read by others too, so it is not used: chmod 600 \x00/key\.json$`, true},
		"no key":                    {func(h *host) { h.write("key.json", "{}", 0o600); h.key("key.json") }, "", `\.account_key_file: \x00/key\.json is not the key of an account: `, true},
		"no log of acme.sh": {func(h *host) {
			h.write("key.json", "{}", 0o600)
			h.key("key.json")
			h.change(h.folder+"/acme.log", "/nowhere/acme.log")
		}, "", `^panels\[0\]\.acme\.logs\[0\]: There is no log /nowhere/acme\.log: `, true},
		"the state is root's":     {func(h *host) { h.write("state/domovoy.db", "", 0o600); h.give(); h.take("state/domovoy.db", 0o600) }, "", `^state: \S+ may not write \x00/state/domovoy\.db \(owner \S+, mode \S+: permission denied\)\. Give it back: chown -R \S+: \x00/state,`, false},
		"its folder is":           {func(h *host) { h.give(); h.take("state", 0o755) }, "root", `^state: nobody may not write \x00/state \(owner root, mode -rwxr-xr-x: permission denied\)\. `, false},
		"no name server":          {func(h *host) { h.change("resolvers: [", "resolvers: [\"127.0.0.1:1\", ") }, "", `^resolvers\[0\]: The name server 127\.0\.0\.1:1 does not answer \(.*refused\)\. .*port 53`, true},
		"no way to the CA":        {func(h *host) { h.change(h.ca, "https://127.0.0.1:1/directory") }, "", `^panels\[0\]\.acme\.directory: The CA’s directory https://127\.0\.0\.1:1/directory could not be read \(connect: connection refused\)\. `, true},
		"no root of the CA":       {func(h *host) { h.change("/root.pem", "/logs/shop.access.log") }, "", `\.acme\.directory: \x00/logs/shop\.access\.log cannot be used as a root`, false},
		"the clock is ahead":      {func(h *host) { h.off = -10 * time.Minute }, "", `^This host’s clock is 10 min ahead of the CA’s\. .*timedatectl set-ntp true$`, true},
		"a wrong Telegram token":  {func(h *host) { h.write("telegram", "123456:AAFakeFakeFakeFakeFakeFake", 0o600) }, "", `^telegram: Telegram refuses the token \(Unauthorized\)\. Write the one that @BotFather shows .* into \x00/telegram \(telegram\.token_file, is read again by itself\)\.$`, false},
		"no Telegram":             {func(h *host) { h.telegram.Close() }, "", `^telegram: Telegram does not answer \(.*connection (refused|reset by peer)\), so neither `, true},
		"an unknown group":        {func(h *host) { h.change(fmt.Sprint(group, "/"), "-100999/") }, "", `^chats\[0\]\.to: The bot cannot write to telegram:-100999/7 \(chat not found\)\. Add the bot to the group `, false},
		"thrown out of the group": {func(h *host) { h.telegram.Block(group) }, "", `^chats\[0\]\.to: The bot cannot write to telegram:-1001234567890/7 \(bot was (kicked|blocked).*\)\. Add the bot`, false},
		"a supergroup by now":     {func(h *host) { h.telegram.Migrate(group, -1009) }, "", `^chats\[0\]\.to: telegram:-1001234567890/7 has become telegram:-1009/7: write that\.$`, true},
		"a wrong Slack token":     {func(h *host) { h.write("slack.bot", "xoxb-1-fake", 0o600) }, "", `^slack: Slack refuses the token \(invalid_auth\)\. .*slack\.bot_token_file`, false},
		"a wrong app's token":     {func(h *host) { h.write("slack.app", "xapp-1-fake", 0o600) }, "", `^slack: Slack refuses the token \(invalid_auth\)\. .*slack\.app_token_file`, false},
		"not in the channel":      {func(h *host) { h.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops", Absent: true}) }, "", `^chats\[1\]\.to: The bot cannot write to slack:C0123456789 \(not_in_channel\)\. Invite it there: /invite @domovoy$`, false},
		"an archived channel":     {func(h *host) { h.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops", Archived: true}) }, "", `\(is_archived\)`, false},
	} {
		if raceDetector && len(name)%4 != 0 {
			continue // each starts programs, which are slow then; a few are enough
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.as == "root" && !root {
				t.Skip("SKIPPED: only root can give a file to another user")
			}
			h := newHost(t)
			h.give()
			c.spoil(h)
			out, errs, status := h.check()
			lines, want := strings.Split(strings.TrimSpace(errs), "\n"), 2
			if c.warns {
				lines, want = strings.Split(out, "\n"), 0
			}
			pattern := regexp.MustCompile(strings.ReplaceAll(c.says, `\x00`, regexp.QuoteMeta(h.folder)))
			if status != want || !slices.ContainsFunc(lines, pattern.MatchString) {
				t.Errorf("status %d, want %d and a line like %s\nstdout:\n%s\nstderr:\n%s", status, want, pattern, out, errs)
			}
			if !c.warns && len(lines) != 2 || c.warns && !strings.Contains(lines[0], "warnings") {
				t.Errorf("more is named than was broken\nstdout:\n%s\nstderr:\n%s", out, errs)
			}
			h.language = "ru"
			ru, ruErrs, _ := h.check()
			if both := ru + ruErrs; strings.Contains(both, "⟨") || strings.Contains(both, "<no value>") {
				t.Errorf("in Russian a text or a value is missing:\n%s", both)
			}
			for _, token := range []string{h.telegram.Token(), h.slack.BotToken(), h.slack.AppToken()} {
				if strings.Contains(out+errs+ru+ruErrs, token) {
					t.Error("a token is printed")
				}
			}
		})
	}
}

// TestConfigCheckOfAGoodHost finds nothing, posts nothing and leaves nothing.
func TestConfigCheckOfAGoodHost(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.give()
	out, errs, status := h.check()
	if status != 0 || errs != "" || !strings.Contains(out, ": no errors\n") || !regexp.MustCompile(`(?m)^isp1 can be read: sites [\d,]+, certificates [\d,]+\.$`).MatchString(out) {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	if n := len(h.telegram.Messages(group)) + len(h.slack.Messages(channel)); n > 0 {
		t.Errorf("%d messages were posted", n)
	}
	if left, err := os.ReadDir(filepath.Join(h.folder, "challenges")); err != nil || len(left) > 0 {
		t.Errorf("left in the challenge folder: %v %v", left, err)
	}
	h.telegram.Close()
	h.slack.Close()
	if out, errs, status := h.check("--offline"); status != 0 || errs != "" || !strings.Contains(out, ": no errors\n") {
		t.Errorf("offline: status %d\n%s%s", status, out, errs)
	}
}

// inFolder puts the panel's database two folders deeper.
func (h *host) inFolder() {
	h.Helper()
	h.must(os.MkdirAll(filepath.Join(h.folder, "closed/in"), 0o755))
	h.must(os.Rename(h.panel(), filepath.Join(h.folder, "closed/in/ispmgr.db")))
	h.change("database: "+h.panel(), "database: "+h.folder+"/closed/in/ispmgr.db")
}

// noSites empties the panel.
func (h *host) noSites() {
	h.Helper()
	h.must(os.Remove(h.panel()))
	p, err := lab.NewPanel(h.panel())
	h.must(err)
	h.must(p.Close())
	h.give()
}

// key names the account's key.
func (h *host) key(name string) {
	h.Helper()
	h.write("acme.log", "", 0o644)
	h.change("acme: {", fmt.Sprintf("acme: {account_key_file: %[1]s/%[2]s, logs: [%[1]s/acme.log], ", h.folder, name))
	h.give()
}
