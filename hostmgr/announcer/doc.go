// Package announcer is the host's side of package hostmgr: it announces a host, repeats what is
// lost, follows the advised interval, and leaves.
package announcer
