/** Whether the page is built to be hosted without a server; vite.config.ts defines it. */
declare const IS_STATIC: boolean
