SELECT
  *
FROM (
  SELECT
    "t4"."period",
    "t4"."channel",
    CAST(SUM(CASE WHEN "t4"."purpose" = 'acquire' THEN "t4"."amount" ELSE 0 END) AS DECIMAL(28, 6)) AS "acquisition_cost",
    SUM(
      CASE
        WHEN CASE WHEN "t4"."purpose" = 'acquire' THEN "t4"."amount" ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "acquisition_cost__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."channel",
      "t2"."campaign",
      "t2"."purpose",
      "t2"."currency",
      "t2"."platform",
      "t2"."origin",
      "t2"."amount",
      "t2"."cost_kind",
      "t2"."day",
      "t2"."left_out",
      "t3"."one_day",
      "t3"."period"
    FROM "costs" AS "t2"
    INNER JOIN "days" AS "t3"
      ON "t2"."day" = "t3"."one_day"
  ) AS "t4"
  GROUP BY
    1,
    2
) AS "t5";

SELECT
  *
FROM (
  SELECT
    "t4"."period",
    "t4"."channel",
    SUM(CASE WHEN "t4"."movement" = 'new' THEN 1 ELSE 0 END) AS "new_customers",
    SUM(
      CASE WHEN CASE WHEN "t4"."movement" = 'new' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "new_customers__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."account",
      "t2"."from_day",
      "t2"."until_day",
      "t2"."mrr",
      "t2"."before",
      "t2"."customer",
      "t2"."customer_before",
      "t2"."movement",
      "t2"."label",
      "t2"."plan",
      "t2"."currency",
      "t2"."left_out",
      "t2"."origin",
      "t2"."channel",
      "t2"."campaign",
      "t2"."rule",
      "t2"."country",
      "t2"."persona",
      "t2"."churn_reason",
      "t3"."one_day",
      "t3"."period"
    FROM "levels" AS "t2"
    INNER JOIN "days" AS "t3"
      ON "t2"."from_day" = "t3"."one_day"
  ) AS "t4"
  GROUP BY
    1,
    2
) AS "t5";
