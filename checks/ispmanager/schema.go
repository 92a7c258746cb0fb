package ispmanager

import (
	"slices"

	"domovoy/checks"
)

// The tables that are read, as indices.
const (
	users = iota
	webdomain
	webdomainAlias
	webdomainIPAddr
	ipaddr
	ipaddrWebdomain // the Business edition's form of webdomain_ipaddr
	node            // of the Business edition: the servers of a cluster
	letsencryptSSL
	letsencryptLog
	tableCount
)

// wanted describes a table that is read: each column with the other names that
// it may have. Only a few names of the two letsencrypt tables are known from
// real panels, the others are guesses; so are all columns that tie something to a
// node of a cluster.
type wanted struct {
	name    string
	columns [][]string
	point   []int // indices of columns; without all of them the table is useless
	guessed []int // indices of columns that most panels lack: their absence is not worth a word
}

func wantedTables() [tableCount]wanted {
	return [tableCount]wanted{
		users:           {"users", [][]string{{"name"}, nodeColumn()}, []int{0}, []int{ownerNode}},
		webdomain:       {"webdomain", [][]string{{"name"}, {"name_idn"}, {"users"}, {"active"}, {"secure"}, {"ssl_cert"}, {"redirect_http"}, nodeColumn()}, []int{0, 1}, []int{siteNode}},
		webdomainAlias:  {"webdomain_alias", [][]string{{"webdomain"}, {"name"}, {"name_idn"}}, []int{1, 2}, nil},
		webdomainIPAddr: {"webdomain_ipaddr", [][]string{{"webdomain"}, {"value", "name", "ipaddr"}}, []int{1}, nil},
		ipaddr:          {"ipaddr", [][]string{{"name", "value"}, nodeColumn()}, []int{0}, []int{addressNode}},
		ipaddrWebdomain: {"ipaddr_webdomain", [][]string{{"webdomain"}, {"ipaddr"}}, []int{1}, nil},
		node:            {"node", [][]string{{"name"}, {"mainip"}, {"hostname"}, {"maintain"}, {"is_local"}}, []int{0, 1, 2}, nil},
		letsencryptSSL: {"letsencrypt_ssl", [][]string{
			{"certname", "crtname", "cert_name", "name"}, {"users", "user", "owner"}, {"domain_name", "domain"},
			{"processing"}, {"failed"}, {"time_started"}}, nil, nil},
		letsencryptLog: {"letsencrypt_log", [][]string{
			{"certname", "crtname", "cert_name", "name"}, {"status"}, {"date", "datetime", "time"},
			{"message", "msg", "text", "info", "error", "log"}}, nil, nil},
	}
}

// The indices of the columns that tie users, sites and addresses to nodes.
const (
	ownerNode   = 1
	siteNode    = 7
	addressNode = 1
)

// nodeColumn is how a column may be called that refers to a node: by the
// panel's own habit it has the name of the table.
func nodeColumn() []string { return []string{"node", "node_id", "nodeid"} }

// table is a wanted table as this panel has it. Its names come from the schema
// and match wanted names, so they are safe in SQL.
type table struct {
	name    string   // empty: the panel has no such table
	key     string   // column for paging: unique, ascending in order of insertion
	strict  bool     // the key holds integers only
	root    uint32   // of a SQLite file: the first page of its b-tree, whose keys are those of key; 0: not known
	id      string   // column that other tables refer to
	columns []string // expressions in the order of wanted.columns; empty: no such column
	names   []string // the columns' names in the same order
	useless bool     // it lacks the columns for which it is read
	hidden  bool     // what it lacks, if the panel has no such table the table itself, may be there: the server's user may not look
	queries [2]string
	ranges  [2]string // of a server: the digest of a range of keys, and its rows
}

// tables are all wanted tables as this panel has them.
type tables [tableCount]table

// found is a column of a table in the schema.
type found struct {
	name, kind string // upper-case type
	primary    int    // position in the primary key from 1; 0: not in it
}

// fit matches the columns of a table with the wanted ones. The key is left to
// the kind of database.
func (w wanted) fit(columns []found) table {
	t := table{name: w.name}
	has := func(name string) bool { return hasColumn(columns, name) }
	for _, names := range w.columns {
		at := slices.IndexFunc(names, has)
		if at < 0 {
			t.columns = append(t.columns, "")
			continue
		}
		t.columns = append(t.columns, names[at])
	}
	t.names = slices.Clone(t.columns)
	t.useless = len(w.point) > 0 && !slices.ContainsFunc(w.point, t.has)
	return t
}

func hasColumn(columns []found, name string) bool {
	return slices.ContainsFunc(columns, func(c found) bool { return c.name == name })
}

// has reports whether the panel has the wanted column.
func (t *table) has(i int) bool { return t.name != "" && t.columns[i] != "" }

// as returns the name of the wanted column; empty: the panel lacks it.
func (t *table) as(i int) string {
	if !t.has(i) {
		return ""
	}
	return t.names[i]
}

// missing lists the wanted tables and columns that this panel lacks.
func (all *tables) missing() []checks.Missing {
	var list []checks.Missing
	business := all[ipaddrWebdomain].name != "" && all[ipaddr].name != ""
	for i, w := range wantedTables() {
		switch {
		case i == ipaddrWebdomain, i == webdomainIPAddr && business:
			continue // one of the two is enough
		case i == node && all[i].name == "" && (!business || !all[i].hidden):
			continue // no cluster
		case all[i].name == "":
			list = append(list, checks.Missing{Table: w.name, Hidden: all[i].hidden})
			continue
		}
		for j, column := range all[i].columns {
			if column == "" && !slices.Contains(w.guessed, j) {
				list = append(list, checks.Missing{Table: w.name, Column: w.columns[j][0], Hidden: all[i].hidden})
			}
		}
	}
	return list
}

// rows counts the rows of each table, as they were read.
func (all *tables) rows(chunks [tableCount][]chunk) map[string]int {
	rows := map[string]int{}
	for id, t := range all {
		if t.name != "" && !t.useless && id != letsencryptLog && id != node {
			rows[t.name] = count(chunks[id])
		}
	}
	return rows
}
