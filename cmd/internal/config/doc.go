// Package config reads the one YAML file that says what Domovoy watches.
//
// The file is read strictly, and every fault is told at once with its line,
// its column and a hint of what to try. The field table is the struct tags in
// config.go, diagnosis.go and watch.go: the reader, the defaults and the JSON Schema all
// come from it, so that a key exists in one place.
//
//	key      the key in the file
//	is       what may stand there, see kinds.go
//	default  used when the key is absent or empty
//	enum     the allowed words
//	min      the least number or duration
//	max      the greatest
//	sample   a key that could stand in a table, whose keys are not ours to name
//	need     the key must be there
//	title    what an editor shows, by the schema
//
// A secret is two keys, `token` (by ${NAME} only) and `token_file`.
package config
