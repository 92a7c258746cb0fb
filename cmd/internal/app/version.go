package app

import "runtime/debug"

// release is the version that a package has. The linker sets it when the package is
// built; it is empty in all other builds.
var release string

// Version of this build: that of its package, a tag, a pseudo-version or (devel).
func Version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
