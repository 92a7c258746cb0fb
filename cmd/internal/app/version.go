package app

import "runtime/debug"

// Version of this build: a tag, a pseudo-version or (devel).
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
