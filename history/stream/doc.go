// Package stream derives independent random streams from the one seed of a run, one for each label,
// so that adding a consumer of randomness, or drawing more in one place, does not shift what the
// others draw. It imports nothing of Ordeal's.
package stream
