package ispmanager

import (
	"slices"
	"strings"
)

// Grants returns the statements that give a user of MySQL or MariaDB the least
// rights with which a panel's database can be read, a table each. A server
// refuses the statement of a table or a column that the panel does not have.
func Grants(user, database string) []string {
	var all []string
	for _, w := range wantedTables() {
		columns := []string{"id"}
		for i, names := range w.columns {
			if !slices.Contains(w.guessed, i) {
				columns = append(columns, names[0])
			}
		}
		if w.name == wantedTables()[ipaddrWebdomain].name {
			columns = slices.Delete(columns, 0, 1) // it has no id
		}
		all = append(all, "GRANT SELECT ("+strings.Join(columns, ", ")+") ON "+database+"."+w.name+" TO "+user+";")
	}
	return all
}
