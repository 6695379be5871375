SELECT
  *
FROM (
  SELECT
    "t4"."period",
    SUM(CASE WHEN "t4"."stage" = 'lead' THEN 1 ELSE 0 END) AS "leads",
    SUM(
      CASE WHEN CASE WHEN "t4"."stage" = 'lead' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "leads__rows",
    SUM(CASE WHEN "t4"."stage" = 'mql' THEN 1 ELSE 0 END) AS "mqls",
    SUM(
      CASE WHEN CASE WHEN "t4"."stage" = 'mql' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "mqls__rows",
    SUM(CASE WHEN "t4"."stage" = 'sql' THEN 1 ELSE 0 END) AS "sqls",
    SUM(
      CASE WHEN CASE WHEN "t4"."stage" = 'sql' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "sqls__rows",
    SUM(CASE WHEN "t4"."stage" = 'opportunity' THEN 1 ELSE 0 END) AS "opportunities",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."stage" = 'opportunity' THEN 1 ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "opportunities__rows",
    SUM(CASE WHEN "t4"."stage" = 'lead' THEN "t4"."converted" ELSE 0 END) AS "leads_converted",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."stage" = 'lead' THEN "t4"."converted" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "leads_converted__rows",
    SUM(CASE WHEN "t4"."stage" = 'lead' THEN 1 - "t4"."converted" ELSE 0 END) AS "open",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."stage" = 'lead' THEN 1 - "t4"."converted" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "open__rows",
    COUNT(*) * 0 AS "left_out"
  FROM (
    SELECT
      "t2"."person",
      "t2"."stage",
      "t2"."day",
      "t2"."at",
      "t2"."channel",
      "t2"."campaign",
      "t2"."rule",
      "t2"."country",
      "t2"."persona",
      "t2"."converted",
      "t2"."origin",
      "t3"."one_day",
      "t3"."period"
    FROM "stage_entries" AS "t2"
    INNER JOIN "days" AS "t3"
      ON "t2"."day" = "t3"."one_day"
  ) AS "t4"
  GROUP BY
    1
) AS "t5";
