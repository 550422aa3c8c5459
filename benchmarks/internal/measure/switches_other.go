//go:build !linux

package measure

func switches() (n int64, known bool) { return 0, false }
