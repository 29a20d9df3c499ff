"""What the experiment asks of its instruments (`roles`), and one adapter file for each instrument.

Adapters are loaded through `registry.adapter_for` when a station needs them, so that importing this
package costs nothing. A new instrument is one file here, or an entry point of another package.
"""
