"""`python -m daemon` is `trimtab`: how a service manager starts it, by the interpreter alone."""

from daemon.cli import main

if __name__ == "__main__":
    main()
