package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/cmd/internal/config"
)

// text is the configuration that the draft makes: a new one, or the old one with what
// changed. Of the old one everything else stays as it stands, comments too.
func (s *session) text() string {
	if s.old == nil {
		return s.newText()
	}
	f := splitFile(s.oldText)
	if s.Agent != "" {
		f.set("fleet", fleetKeys, nil)
	}
	if v := s.draft.vantage; v != s.old.Vantage && v.IsOn() {
		f.set("vantage", vantageKeys(v), nil)
	}
	for _, p := range s.draft.parts {
		if len(p.keys) > 0 {
			f.set(p.name, p.keys, p.gone)
		}
		for i, c := range p.chats {
			f.add("chats", chatLine(c), chatLines(s.old.Chats, p.chats[:i+1]))
		}
		for i, who := range p.people {
			f.add("people", personLine(who), personLines(s.old.People, p.people[:i+1]))
		}
	}
	return f.String()
}

// newText is a first configuration.
func (s *session) newText() string {
	var b strings.Builder
	for line := range strings.SplitSeq(s.talk.l.Say("setup.file.comment"), "\n") {
		b.WriteString("# " + line + "\n")
	}
	fmt.Fprintf(&b, "language: %s\n", s.draft.language)
	if zone := s.zone(); zone != "" {
		fmt.Fprintf(&b, "timezone: %s\n", zone)
	}
	fmt.Fprintf(&b, "state: %s\n", yamlWord(s.at("/var/lib/domovoy/domovoy.db")))
	if s.draft.panel.name != "" {
		b.WriteString(s.draft.panel.section(s.at(usualConf) != s.draft.panel.dbConf || s.Prefix != ""))
	}
	if s.isAgent() {
		b.WriteString(section("fleet", fleetKeys))
		if v := s.draft.vantage; v.IsOn() {
			b.WriteString(section("vantage", vantageKeys(v)))
		}
		return b.String()
	}
	var chats, people string
	for _, p := range s.draft.parts {
		b.WriteString(section(p.name, p.keys))
		chats += chatLines(p.chats, nil)
		people += personLines(p.people, nil)
	}
	b.WriteString("chats:\n" + chats)
	if people != "" {
		b.WriteString("people:\n" + people)
	}
	return b.String()
}

var fleetKeys = [][2]string{{"key_file", enrolmentFile}}

func vantageKeys(v config.Vantage) [][2]string {
	return [][2]string{{"name", v.Name}, {"network", v.Network}, {"country", v.Country}}
}

// section is the panel's section; conf: its db.conf is not in the usual place.
func (p panel) section(conf bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "panels:\n  - name: %s\n    database: %s\n", yamlWord(p.name), yamlWord(p.database))
	if conf && p.database == "auto" {
		fmt.Fprintf(&b, "    db_conf: %s\n", yamlWord(p.dbConf))
	}
	for _, k := range [][2]string{{"password_file", p.passwordFile}, {"certificates", p.certificates}, {"challenges", p.challenges}} {
		if k[1] != "" {
			fmt.Fprintf(&b, "    %s: %s\n", k[0], yamlWord(k[1]))
		}
	}
	if len(p.accessLogs) > 0 {
		fmt.Fprintf(&b, "    access_logs: [%s]\n", yamlWords(p.accessLogs))
	}
	if len(p.logs) > 0 {
		fmt.Fprintf(&b, "    acme:\n      logs: [%s]\n", yamlWords(p.logs))
	}
	return b.String()
}

// zone is the time zone of the answers, or the host's; empty: not known.
func (s *session) zone() string {
	if s.Given != nil && s.Given.Timezone != "" {
		return s.Given.Timezone
	}
	if name := time.Local.String(); name != "Local" {
		return name
	}
	link, err := os.Readlink("/etc/localtime")
	if _, name, found := strings.Cut(link, "zoneinfo/"); err == nil && found {
		return name
	}
	return ""
}

func chatLine(c config.Chat) string {
	extra := ""
	if c.Role != "" && c.Role != "viewer" {
		extra = ", role: " + c.Role
	}
	return fmt.Sprintf("{to: %q, language: %s, receives: [%s]%s}", c.To, c.Language, strings.Join(c.Receives, ", "), extra)
}

func chatLines(lists ...[]config.Chat) string {
	var b strings.Builder
	for _, list := range lists {
		for _, c := range list {
			b.WriteString("  - " + chatLine(c) + "\n")
		}
	}
	return b.String()
}

func personLine(p config.Person) string { return fmt.Sprintf("{id: %q, role: %s}", p.ID, p.Role) }

func personLines(lists ...[]config.Person) string {
	var b strings.Builder
	for _, list := range lists {
		for _, p := range list {
			b.WriteString("  - " + personLine(p) + "\n")
		}
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._@:?=-]*$`)

// yamlWord is a text as YAML takes it.
func yamlWord(text string) string {
	if plainWord.MatchString(text) && !strings.Contains(text, ": ") && !strings.HasSuffix(text, ":") {
		return text
	}
	return strconv.Quote(text)
}

func yamlWords(texts []string) string {
	words := make([]string, len(texts))
	for i, text := range texts {
		words[i] = strconv.Quote(text)
	}
	return strings.Join(words, ", ")
}

// file is a configuration as a person wrote it, section by section.
type file struct {
	mark   string // of the byte order, which some editors put before the text
	blocks []block
}

// block is a section with its lines; what stands before the first one has no key.
type block struct {
	key   string
	lines []string
}

const byteOrder = "\ufeff"

var topKey = regexp.MustCompile(`^([A-Za-z_]+):`)

// splitFile splits a configuration into sections. Blank lines and comments belong to
// the section that follows them.
func splitFile(text string) *file {
	f := &file{}
	if bare, found := strings.CutPrefix(text, byteOrder); found {
		f.mark, text = byteOrder, bare
	}
	var before []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		bare := strings.TrimSpace(line)
		switch key := topKey.FindStringSubmatch(line); {
		case key != nil:
			f.blocks = append(f.blocks, block{key[1], append(before, line)})
			before = nil
		case bare == "" || strings.HasPrefix(line, "#") || len(f.blocks) == 0:
			before = append(before, line)
		default:
			last := &f.blocks[len(f.blocks)-1]
			last.lines = append(append(last.lines, before...), line)
			before = nil
		}
	}
	if len(before) > 0 {
		f.blocks = append(f.blocks, block{"", before})
	}
	return f
}

// String is the configuration again.
func (f *file) String() string {
	var b strings.Builder
	b.WriteString(f.mark)
	for _, section := range f.blocks {
		for _, line := range section.lines {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// find is the section of a key; nil: there is none.
func (f *file) find(key string) *block {
	for i := range f.blocks {
		if f.blocks[i].key == key {
			return &f.blocks[i]
		}
	}
	return nil
}

// replace puts a section in the place of the one that is there, below its comments, or
// at the end.
func (f *file) replace(key, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	b := f.find(key)
	if b == nil {
		f.blocks = append(f.blocks, block{key, lines})
		return
	}
	b.lines = append(b.lines[:b.begin():b.begin()], lines...)
}

// begin is the line of the key.
func (b *block) begin() int {
	for i, line := range b.lines {
		if topKey.MatchString(line) {
			return i
		}
	}
	return 0
}

// section is a section of the configuration; keys without a value are left out.
func section(name string, keys [][2]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s:\n", name)
	for _, k := range keys {
		if k[1] != "" {
			fmt.Fprintf(&text, "  %s: %s\n", k[0], yamlWord(k[1]))
		}
	}
	return text.String()
}

// set sets keys of a section, and takes others out. What else it has stays, with its
// comments; one in a single line becomes one of several.
func (f *file) set(name string, keys [][2]string, gone []string) {
	b := f.find(name)
	if b == nil {
		f.replace(name, section(name, keys))
		return
	}
	b.unfold()
	indent := "  "
	for _, line := range b.lines[b.begin()+1:] {
		if m := innerKey.FindStringSubmatch(line); m != nil {
			indent = m[1]
			break
		}
	}
	at := func(key string) int {
		return slices.IndexFunc(b.lines, func(line string) bool {
			m := innerKey.FindStringSubmatch(line)
			return m != nil && m[1] == indent && m[2] == key
		})
	}
	for _, key := range gone {
		if i := at(key); i >= 0 {
			b.lines = slices.Delete(b.lines, i, i+1)
		}
	}
	for n, k := range keys {
		line := indent + k[0] + ": " + yamlWord(k[1])
		switch i := at(k[0]); {
		case i >= 0 && k[1] == "":
			b.lines = slices.Delete(b.lines, i, i+1)
		case i >= 0:
			b.lines[i] = line + trailing.FindString(b.lines[i])
		case k[1] != "":
			b.lines = slices.Insert(b.lines, b.begin()+1+min(n, len(b.lines)-b.begin()-1), line)
		}
	}
}

// unfold writes a section of one line, {a: b, c: d}, in several.
func (b *block) unfold() {
	i := b.begin()
	m := oneLine.FindStringSubmatch(b.lines[i])
	if m == nil {
		return
	}
	lines := []string{m[1] + ":" + m[3]}
	for pair := range strings.SplitSeq(m[2], ",") {
		if pair = strings.TrimSpace(pair); pair != "" {
			lines = append(lines, "  "+pair)
		}
	}
	b.lines = slices.Concat(b.lines[:i], lines, b.lines[i+1:])
}

var (
	innerKey = regexp.MustCompile(`^( +)([A-Za-z_]+):`)
	trailing = regexp.MustCompile(`\s+#.*$`)
	oneLine  = regexp.MustCompile(`^(\w+):\s*\{((?:[^{}#]|\$\{\w+\})*)\}(\s*(?:#.*)?)$`)
)

var entry = regexp.MustCompile(`^(\s*)- `)

// add adds an entry to a list: a line in its own form below the others, or the whole
// list again where it is written in one line.
func (f *file) add(key, item, whole string) {
	b := f.find(key)
	if b == nil {
		f.replace(key, key+":\n"+whole)
		return
	}
	for _, line := range b.lines[b.begin():] {
		if m := entry.FindStringSubmatch(line); m != nil {
			b.lines = append(b.lines, m[1]+"- "+item)
			return
		}
	}
	f.replace(key, key+":\n"+whole)
}

// stage loads a text as if it were the configuration, with the secrets of the draft.
// Of faults that matter to run only, and of secrets that are none, there is a
// configuration, too.
func (s *session) stage(text string) (*config.Config, config.Faults, error) {
	folder, err := os.MkdirTemp("", "domovoy-setup-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	staged := filepath.Join(folder, filepath.Base(s.Config))
	files := map[string]string{staged: text}
	if entries, err := os.ReadDir(s.folder()); err == nil { // the secrets that stay
		for _, e := range entries {
			if kept, err := os.ReadFile(filepath.Join(s.folder(), e.Name())); err == nil && e.Type().IsRegular() && len(kept) < 4<<10 {
				files[filepath.Join(folder, e.Name())] = string(kept)
			}
		}
		files[staged] = text
	}
	for name, secret := range s.draft.secrets {
		files[filepath.Join(folder, name)] = secret + "\n"
	}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, nil, err
		}
	}
	cfg, faults := config.Load(staged, s.Env)
	if len(faults) == 0 {
		faults = cfg.CheckService()
	} else {
		cfg = config.WrongSecrets(staged, s.Env)
	}
	return cfg, faults, nil
}
